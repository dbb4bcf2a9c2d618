import Foundation
import Testing

/// Checkpoints and image folders as the usual tools leave them, through what `scripts/export-features.py` and
/// `scripts/import-head.py` share. The Python below asserts; a traceback is a failure.
@Suite struct CheckpointScriptTests {
    private static let isThere = PyTorchTests.interpreter != nil

    /// One network in every form, its weights found under its own names and a tuned head put back under those of the file.
    private static let everyForm = #"""
        import argparse, collections, json, pathlib, subprocess, sys
        import numpy as np, torch
        from safetensors import safe_open
        from safetensors.torch import load_file, save_file
        scripts, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
        sys.path.insert(0, str(scripts / "lib"))
        from checkpoint import State, read_checkpoint

        torch.manual_seed(0)
        network = torch.nn.Sequential(collections.OrderedDict(conv=torch.nn.Conv2d(3, 5, 1), fc=torch.nn.Linear(5, 4)))
        state = network.state_dict()
        pre = lambda start, names=state: {start + name: names[name] for name in names}
        body, head = {k: v for k, v in state.items() if k[:2] != "fc"}, {k: v for k, v in state.items() if k[:2] == "fc"}

        class Callback:  # of a library that is not here when the file is read
            def __init__(self): self.value = torch.ones(2)
        Callback.__module__ = "lightning_callbacks"
        library = type(sys)("lightning_callbacks"); library.Callback = Callback
        sys.modules["lightning_callbacks"] = library

        forms = {
            "plain": (state, "fc"), "module": ({"state_dict": pre("module.")}, "module.fc"),
            "compiled": (pre("_orig_mod."), "_orig_mod.fc"),
            "ddp of compiled": ({"model": pre("module._orig_mod.")}, "module._orig_mod.fc"),
            "compiled ddp": (pre("_orig_mod.module."), "_orig_mod.module.fc"),
            "Lightning": ({"state_dict": pre("model.") | {"criterion.weight": torch.ones(4)}, "epoch": 1,
                           "callbacks": {"early": Callback()}}, "model.fc"),
            "backbone": (pre("backbone."), "backbone.fc"), "wrapped twice": (pre("student.net."), "student.net.fc"),
            "timm": ({"arch": "x", "state_dict": state, "state_dict_ema": state,
                      "args": argparse.Namespace(lr=.1, path=root), "metric": .5}, "fc"),
            "numpy scalars": ({"state_dict": state, "best_acc": np.float64(.5), "epoch": np.int64(3),
                               "curve": np.arange(3.0)}, "fc"),
            "integer within": ({"state_dict": dict(state, steps=3)}, "fc"),
            "OLTR": ({"model": {"feat_model": pre("module.", body), "classifier": pre("module.", head)}}, "module.fc"),
            "cRT": ({"state_dict_best": {"feat_model": body, "classifier": head}, "l2": 1}, "fc"),
            "MiSLAS": ({"epoch": 2, "state_dict_model": pre("module.", body),
                        "state_dict_classifier": pre("module.", head)}, "module.fc"),
            "FixMatch": ({"train_model": pre("", {k: v + 1 for k, v in state.items()}), "eval_model": state,
                          "it": torch.tensor(3)}, "fc"),
            "ema only": ({"ema_model": pre("module.")}, "module.fc"),
        }
        tuned = {"weight": torch.full((4, 5), 7.0), "bias": torch.full((4,), 8.0)}
        save_file(tuned, root / "head.safetensors")

        def tensors(value, start=""):
            if isinstance(value, torch.Tensor): return {start: value}
            return {n: t for k, v in value.items() for n, t in tensors(v, f"{start}/{k}").items()} if isinstance(value, dict) else {}

        def put_back(name, *more):
            (root / "tuned.pth").unlink(missing_ok=True)
            return subprocess.run([sys.executable, scripts / "import-head.py", "--checkpoint", root / name, "--head",
                                   root / "head.safetensors", "--output", root / "tuned.pth", *more], capture_output=True, text=True)

        for name, (content, layer) in forms.items():
            torch.save(content, root / "net.pth")
            found = State(read_checkpoint(root / "net.pth")[0]).of_network(state)
            assert found.keys() == state.keys() and all(found[n].equal(state[n]) for n in state), name
            done = put_back("net.pth")
            assert done.returncode == 0, (name, done.stderr)
            after = torch.load(root / "tuned.pth", weights_only=False)
            before = tensors(content) if name != "Lightning" else tensors({"state_dict": content["state_dict"]})
            after = tensors(after)
            assert before.keys() == after.keys(), name
            changed = {n.split("/")[-1] for n in before if not before[n].equal(after[n])}
            assert changed == {layer + ".weight", layer + ".bias"}, (name, changed)
            assert ("`callbacks` is left out" in done.stderr) == (name == "Lightning"), (name, done.stderr)

        # Another state dict than the first one, by name.
        torch.save({"model": state, "ema_model": {k: v + 1 for k, v in state.items()}}, root / "two.pth")
        assert State(read_checkpoint(root / "two.pth")[0], "ema_model")["fc.bias"].equal(state["fc.bias"] + 1)
        assert "`model` is taken" in put_back("two.pth").stderr

        # Metadata and names of a .safetensors file stay; what is no tensor does not stop anybody.
        save_file(pre("model."), root / "net.safetensors", metadata={"format": "pt", "note": "keep me"})
        done = put_back("net.safetensors", "--output", root / "out.safetensors")
        assert done.returncode == 0, done.stderr
        with safe_open(root / "out.safetensors", "pt") as file: assert file.metadata()["note"] == "keep me"
        assert load_file(root / "out.safetensors").keys() == pre("model.").keys()

        # A bias that the checkpoint lacks is added, and said; without one in the head nothing is asked for.
        torch.save({"state_dict": {"module.fc.weight": state["fc.weight"]}}, root / "bare.pth")
        done = put_back("bare.pth")
        assert done.returncode == 0 and "make the layer with bias=True" in done.stdout, (done.stdout, done.stderr)
        assert torch.load(root / "tuned.pth")["state_dict"]["module.fc.bias"].equal(tuned["bias"])
        save_file({"weight": tuned["weight"]}, root / "head.safetensors")
        done = put_back("bare.pth")
        assert done.returncode == 0 and "bias" not in done.stdout, done.stdout
        torch.save(state, root / "net.pth")
        done = put_back("net.pth")
        assert "its bias is 0 now" in done.stdout and not torch.load(root / "tuned.pth")["fc.bias"].any()

        # Two layers of one shape: export.json knows which; another one is warned of.
        torch.save({f"{n}.{k}": torch.zeros(*s) for n in ("head", "head_dist") for k, s in (("weight", (4, 5)), ("bias", (4,)))}, root / "two.pth")
        assert "2 weights of the checkpoint" in put_back("two.pth").stderr
        (root / "export.json").write_text(json.dumps({"layer": "head_dist"}))
        assert put_back("two.pth").returncode == 0 and torch.load(root / "tuned.pth")["head_dist.weight"].any()
        assert "exported for the layer head_dist, and --layer is head" in put_back("two.pth", "--layer", "head").stderr

        # What holds no weights is said in one line, without colours.
        for content, words in (({"epoch": 1}, "holds no state dict"), ([1, 2], "holds no state dict")):
            torch.save(content, root / "none.pth")
            done = put_back("none.pth")
            assert done.returncode == 1 and words in done.stderr and len(done.stderr.splitlines()) == 2, done.stderr
        (root / "page.pth").write_text("<html>404</html>")
        done = put_back("page.pth")
        assert done.returncode == 1 and "cannot be read" in done.stderr and "\x1b" not in done.stderr and len(done.stderr.splitlines()) == 2
        """#

    @Test(.enabled(if: isThere, "needs PyTorch: scripts/test --all"))
    func everyFormOfCheckpoint() throws { try check(Self.everyForm) }

    /// Hidden and damaged files, and list files of other editors.
    private static let images = #"""
        import pathlib, subprocess, sys
        import numpy as np
        from PIL import Image
        scripts, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
        sys.path.insert(0, str(scripts / "lib"))
        from images import check_images, open_split, problem
        random = np.random.default_rng(0)
        for name in ("b", "a", "ä c"):
            (root / "train" / name).mkdir(parents=True)
            for index, ending in enumerate(("png", "jpg", "bmp", "webp")):
                Image.fromarray(random.integers(0, 255, (32, 32, 3), np.uint8)).save(root / "train" / name / f"{index}.{ending}")
        clean = open_split(root / "train", root, None, None)
        for hidden in (".ipynb_checkpoints", ".git", "__MACOSX"):
            (root / "train" / hidden).mkdir()
            (root / "train" / hidden / "0.png").write_bytes(b"")
        (root / "train/a/._0.png").write_bytes(b"\0\5\x16\7")
        (root / "train/a/.DS_Store").write_bytes(b"\0")
        (root / "train/a/.cache").mkdir(); (root / "train/a/.cache/0.png").write_bytes(b"")
        data, labels, folders = open_split(root / "train", root, None, None)
        assert folders == clean[2] == ["a", "b", "ä c"] and data.samples == clean[0].samples and labels == clean[1]
        check_images([path for path, _ in data.samples])

        def refusal(paths):
            code = "import sys; sys.path.insert(0, sys.argv[1]); from images import check_images; check_images(sys.argv[2:])"
            done = subprocess.run([sys.executable, "-c", code, scripts / "lib", *paths], capture_output=True, text=True)
            assert len(done.stderr.splitlines()) in (0, 2) and "Traceback" not in done.stderr, done.stderr
            return done.stderr
        for index, ending in enumerate(("png", "jpg")):
            whole = (root / f"train/b/{index}.{ending}").read_bytes()
            for name, content in (("half", whole[:len(whole) // 2]), ("empty", b""), ("text", b"<html>404</html>")):
                (root / f"{name}.{ending}").write_bytes(content)
                assert f"{name}.{ending} cannot be read as an image" in refusal([root / f"{name}.{ending}"])
            # More behind the end does no harm.
            (root / f"more.{ending}").write_bytes(whole + bytes(500))
            assert problem(root / f"more.{ending}") is None
        assert "(and 1 more)" in refusal([root / "half.png", root / "train/a/0.png", root / "empty.png"])

        paths = [(f"train/{name}/0.png", label) for label, name in enumerate(("a", "b", "ä c"))]
        for lines in ("{} {}\n", "{}\t{}\n", "{}  \t {}  \r\n", "{} {}\r", "\n{} {}\n"):
            for start in (b"", b"\xef\xbb\xbf"):
                (root / "list.txt").write_bytes(start + "".join(lines.format(*pair) for pair in paths).encode())
                listed, labels, _ = open_split(root / "list.txt", root, None, None)
                assert [(str(path.relative_to(root)), label) for path, label in listed.samples] == paths, lines
        """#

    @Test(.enabled(if: isThere, "needs PyTorch: scripts/test --all"))
    func foldersAndListsOfImages() throws { try check(Self.images) }

    /// A network with two heads, a layer without bias, and an image that is damaged in its middle.
    private static let networks = #"""
        import json, pathlib, subprocess, sys
        import numpy as np, timm, torch
        from PIL import Image
        scripts, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
        random = np.random.default_rng(0)
        for label, name in enumerate("abcd"):
            (root / "images" / name).mkdir(parents=True)
            for i in range(3): Image.fromarray(random.integers(0, 255, (32, 32, 3), np.uint8)).save(root / "images" / name / f"{i}.png")

        def export(model, *more, size=0, readers=0):
            return subprocess.run(
                [sys.executable, scripts / "export-features.py", "--model", model, "--checkpoint", root / "net.pth", "--train",
                 root / "images", "--validation", root / "images", "--resize", str(size), "--crop", str(size), "--readers",
                 str(readers), "--output", root / "set", *more], capture_output=True, text=True)

        torch.manual_seed(1)
        distilled = "deit_tiny_distilled_patch16_224"
        state = timm.create_model(distilled, num_classes=4).state_dict()
        state["head.bias"], state["head_dist.bias"] = torch.tensor([200., 0, 0, 0]), torch.tensor([0., 100, 0, 0])
        torch.save(state, root / "net.pth")
        done = export("timm:" + distilled, size=224)
        assert done.returncode == 1 and "is not what this layer gives" in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert not (root / "set").exists()

        torch.save({"state_dict": {"module." + k: v for k, v in timm.create_model("test_resnet", num_classes=4).state_dict().items()}}, root / "net.pth")
        raw = bytearray((root / "images/c/1.png").read_bytes())
        raw[len(raw) // 2] ^= 255
        good = (root / "images/c/1.png").read_bytes()
        (root / "images/c/1.png").write_bytes(raw)
        for readers in (0, 2):
            done = export("timm:test_resnet", readers=readers)
            assert done.returncode == 1 and done.stderr.startswith("error: ") and "c/1.png cannot be read as an image" in done.stderr, done.stderr
            assert len(done.stderr.splitlines()) == 2 and not (root / "set").exists(), done.stderr
        (root / "images/c/1.png").write_bytes(good)
        done = export("timm:test_resnet")
        assert done.returncode == 0, done.stderr
        assert "bias: head.safetensors#bias" in (root / "set/job.yaml").read_text()
        """#

    @Test(.enabled(if: isThere, "needs PyTorch: scripts/test --all"))
    func networksThatAreNotTheirLastLayerAreRefused() throws { try check(Self.networks) }

    private func check(_ code: String) throws {
        let folder = try TemporaryFolder()
        let scripts = Program.package.appendingPathComponent("scripts").path
        let running = try RunningProgram(
            ["OMP_NUM_THREADS=1", PyTorchTests.interpreter!, "-c", code, scripts, folder.url.path],
            program: "/usr/bin/env")
        let status = running.waitForExit()
        #expect(status == 0, "\(running.output)\(running.errors)")
    }
}
