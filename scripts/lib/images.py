"""Images of a split: from a folder of class folders or a list file, without what operating systems and tools hide among them."""

import concurrent.futures
import pathlib
import re
import sys

import torch
from PIL import Image
from torchvision import datasets

# What formats end with; a file that does not is read whole, to see whether it is damaged.
ENDINGS = {".png": b"IEND", ".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9"}


def fail(message, hint):
    sys.exit(f"error: {message}\nhint: {hint}")


class DamagedImage(Exception):
    """An image that cannot be read: its path and why. One text, as reading processes hand exceptions on as text."""

    def __str__(self):
        # A reading process puts its traceback before what it has to say.
        return super().__str__().split("DamagedImage: ")[-1].strip()


def load_image(path):
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except Exception as error:
        reason = " ".join(str(error).replace(repr(str(path)), "it").split())
        raise DamagedImage(f"{path} cannot be read as an image: {reason}") from None


def is_hidden(path):
    """Whether somebody's tools put it there: .DS_Store, ._x.png of macOS, .ipynb_checkpoints, __MACOSX."""
    name = pathlib.Path(path).name
    return name.startswith(".") or name == "__MACOSX"


class ImageFolder(datasets.ImageFolder):
    """A folder of class folders, hidden folders and files left out."""

    def __init__(self, source, transform):
        def is_image(path):
            inner = pathlib.Path(path).relative_to(source).parts
            return datasets.folder.is_image_file(path) and not any(map(is_hidden, inner))

        super().__init__(source, transform, loader=load_image, is_valid_file=is_image, allow_empty=True)

    def find_classes(self, directory):
        classes = sorted(entry.name for entry in pathlib.Path(directory).iterdir() if entry.is_dir() and not is_hidden(entry))
        if not classes:
            raise FileNotFoundError(f"{directory} has no class folders")
        return classes, {name: index for index, name in enumerate(classes)}


class ListFile(torch.utils.data.Dataset):
    """The images of a list file with lines `path label`, separated by blanks or tabs."""

    def __init__(self, path, root, transform):
        self.samples, self.transform = [], transform
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError:
            fail(f"{path} is no text", "a list file has lines `path label`, in UTF-8")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            parts = re.fullmatch(r"\s*(.*\S)\s+([0-9]+)\s*", line)
            if not parts:
                fail(f"{path}, line {number}: `{line}` is no `path label`", "the label is a whole number from 0")
            self.samples.append((root / parts[1], int(parts[2])))
        if not self.samples:
            fail(f"{path} lists no images", "each line is `path label`")
        missing = next((image for image, _ in self.samples if not image.is_file()), None)
        if missing:
            fail(f"{path} lists {missing}, which is not there", "paths are relative to --root")

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, label = self.samples[index]
        return self.transform(load_image(path)), label


def open_split(source, root, transform, folders):
    """A data set, its labels, and the class folders that fix the labels of the folders that follow."""
    if source.is_file():
        data = ListFile(source, root, transform)
        return data, [label for _, label in data.samples], folders
    if not source.is_dir():
        fail(f"there is no {source}", "a split is a folder of class folders, or a list file")
    try:
        data = ImageFolder(source, transform)
    except (FileNotFoundError, RuntimeError) as error:
        fail(f"{source} is no image folder: {error}", "it holds one folder of images a class")
    if not data.samples:
        fail(f"{source} holds no images", f"known are {', '.join(datasets.folder.IMG_EXTENSIONS)}")
    if folders is not None:
        unknown = [name for name in data.classes if name not in folders]
        if unknown:
            fail(f"{source} has the class {unknown[0]}, which train has not", "splits share their class names")
    mapping = {index: (folders or data.classes).index(name) for index, name in enumerate(data.classes)}
    data.target_transform = mapping.__getitem__
    return data, [mapping[label] for label in data.targets], folders or data.classes


def problem(path):
    """Why an image cannot be read, as far as its first and last bytes say; None if nothing speaks against it."""
    path = pathlib.Path(path)
    try:
        with open(path, "rb") as file:
            file.seek(0, 2)
            file.seek(-min(64, file.tell()), 2)
            end = file.read()
        with Image.open(path) as image:
            ending = ENDINGS.get(f".{(image.format or '').lower()}".replace(".mpo", ".jpg"))
        if ending is not None and ending not in end:
            load_image(path)
    except DamagedImage as error:
        return str(error)
    except Exception:
        try:
            load_image(path)
        except DamagedImage as error:
            return str(error)
    return None


def check_images(paths):
    """Names the damaged ones before hours of work; what only shows in the middle of a file is found when it is read."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        damaged = [found for found in pool.map(problem, paths, chunksize=64) if found]
    if damaged:
        more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
        fail(damaged[0] + more, "replace it, or take it out of the folder or the list")
