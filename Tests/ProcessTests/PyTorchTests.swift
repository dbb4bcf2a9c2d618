import Foundation
import Testing

/// From images and a PyTorch checkpoint to features, and from a tuned head back into the checkpoint. `scripts/test --all`
/// installs PyTorch and says where it is; without it these tests are skipped.
@Suite struct PyTorchTests {
    static let interpreter: String? = ProcessInfo.processInfo.environment["SELMIX_TEST_TORCH"]

    /// Real images (scikit-learn's digits as .png files, even digits frequent and odd ones rare), and two checkpoints: a
    /// ResNet-18 after a little training, saved as training scripts do it, and an untrained network of timm.
    private static let makesImages = """
        import pathlib, sys
        import timm, torch, torchvision
        from PIL import Image
        from safetensors.torch import save_file
        from sklearn.datasets import load_digits

        torch.manual_seed(0)
        torch.set_num_threads(1)
        root = pathlib.Path(sys.argv[1])
        seen, train = [0] * 10, []
        digits = load_digits()
        for image, label in zip(digits.images, digits.target):
            large = 60 if label % 2 == 0 else 8
            seen[label] += 1
            if seen[label] > large + 40: continue
            split = "train" if seen[label] <= large else "val" if seen[label] <= large + 20 else "test"
            path = root / "images" / split / f"digit {label}" / f"{seen[label]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((image * 255 / 16).astype("uint8")).resize((32, 32)).save(path)
            if split == "train": train.append((path, int(label)))
        with open(root / "train.txt", "w") as file:
            for path, label in train: file.write(f"{path.relative_to(root / 'images')} {label}\\n")

        def load(path):
            image = torchvision.transforms.functional.to_tensor(Image.open(path).convert("RGB"))
            return torchvision.transforms.functional.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])

        images, labels = torch.stack([load(path) for path, _ in train]), torch.tensor([label for _, label in train])
        model = torchvision.models.resnet18(weights=None, num_classes=10)
        optimiser = torch.optim.SGD(model.parameters(), 0.02, momentum=0.9)
        model.train()
        for epoch in range(3):
            for chosen in torch.randperm(len(images)).split(40):
                loss = torch.nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
        torch.save({"epoch": 3, "state_dict": state}, root / "resnet.pth")
        network = timm.create_model("mobilenetv3_small_050", pretrained=False, num_classes=10)
        save_file(network.state_dict(), root / "mobilenet.safetensors")
        """

    @Test(.enabled(if: interpreter != nil, "needs PyTorch: scripts/test --all"))
    func aTunedHeadInItsNetworkIsAsAccurateAsReported() throws {
        let folder = try TemporaryFolder()
        try python(["-c", Self.makesImages, folder.url.path])

        // List file and image folders; the network's own accuracy is that of the exported head.
        try export(
            ["--model", "resnet18", "--checkpoint", folder.path("resnet.pth"), "--train", folder.path("train.txt")],
            in: folder, to: "set")
        var report = RunFolder(path: folder.path("set"))
        let before = try accuracies(report)
        let evaluated = try evaluate(folder.path("set/job.yaml"))
        #expect(abs(evaluated.validation - before.validation) < 1e-9 && abs(evaluated.test - before.test) < 1e-9)

        let train = try Program.run(
            "train", folder.path("set/job.yaml"), "--workers", "2", "--quiet", "--json", "--set", "selmix.rounds=8",
            "--set", "selmix.stepsPerRound=20", "--set", "optimizer.learningRate=0.003")
        try #require(train.status == 0, "\(train.errors)")
        // The head that the network gets judges all rows, also those that it was trained on.
        try FileManager.default.removeItem(atPath: folder.path("set/run/folds.safetensors"))
        let after = try evaluate(folder.path("set/job.yaml"), head: folder.path("set/run/head.safetensors"))
        #expect(after.validation != before.validation, "the head was not tuned")

        // The whole network with the tuned head, over the images again.
        try python([
            script("import-head.py"), "--checkpoint", folder.path("resnet.pth"), "--head",
            folder.path("set/run/head.safetensors"), "--output", folder.path("tuned.pth"),
        ])
        try export(
            ["--model", "resnet18", "--checkpoint", folder.path("tuned.pth"), "--train", folder.path("train.txt")],
            in: folder, to: "tuned")
        report = RunFolder(path: folder.path("tuned"))
        let whole = try accuracies(report)
        #expect(abs(whole.validation - after.validation) < 1e-9 && abs(whole.test - after.test) < 1e-9)
    }

    @Test(.enabled(if: interpreter != nil, "needs PyTorch: scripts/test --all"))
    func networksOfTimmAndHalfPrecisionWork() throws {
        let folder = try TemporaryFolder()
        try python(["-c", Self.makesImages, folder.url.path])
        try export(
            [
                "--model", "timm:mobilenetv3_small_050", "--checkpoint", folder.path("mobilenet.safetensors"),
                "--train", folder.path("images/train"), "--type", "float16",
            ], in: folder, to: "set")
        let description = try Program.run("data", "describe", folder.path("set/job.yaml"))
        #expect(description.status == 0 && description.output.contains("float16"), "\(description.output)")
        // Rounded features may cost a sample that was a tie, no more.
        let (network, head) = (
            try accuracies(RunFolder(path: folder.path("set"))), try evaluate(folder.path("set/job.yaml"))
        )
        #expect(abs(network.validation - head.validation) < 0.02 && abs(network.test - head.test) < 0.02)
    }

    @Test(.enabled(if: interpreter != nil, "needs PyTorch: scripts/test --all"))
    func whatDoesNotFitIsToldAndNothingIsWritten() throws {
        let folder = try TemporaryFolder()
        let small = """
            import pathlib, sys, torch, torchvision
            from PIL import Image
            root = pathlib.Path(sys.argv[1])
            (root / "images/a").mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(root / "images/a/0.png")
            (root / "wrong.txt").write_text("a/0.png 3\\n")
            (root / "gone.txt").write_text("a/1.png 0\\n")
            torch.save(torchvision.models.resnet18(weights=None, num_classes=2).state_dict(), root / "two.pth")
            torch.save([1, 2], root / "list.pth")
            """
        try python(["-c", small, folder.url.path])
        func refusal(checkpoint: String, model: String = "resnet18", train: String = "images") throws -> String {
            let result = try run(
                exportArguments(
                    ["--model", model, "--checkpoint", folder.path(checkpoint), "--train", folder.path(train)],
                    validation: "images", in: folder, to: "set"))
            #expect(result.status == 1)
            return result.errors
        }
        #expect(try refusal(checkpoint: "no.pth").contains("error: there is no checkpoint"))
        #expect(try refusal(checkpoint: "list.pth").contains("error: the checkpoint holds no state dict"))
        #expect(try refusal(checkpoint: "two.pth", model: "resnet50").contains("does not fit resnet50"))
        #expect(try refusal(checkpoint: "two.pth", model: "resnet99").contains("cannot be made"))
        #expect(try refusal(checkpoint: "two.pth", train: "wrong.txt").contains("has the label 3, and the network 2"))
        #expect(try refusal(checkpoint: "two.pth", train: "gone.txt").contains("which is not there"))
        #expect(try refusal(checkpoint: "two.pth", train: "two.pth").contains("error: "))
        #expect(!FileManager.default.fileExists(atPath: folder.path("set")))
    }

    // MARK: Running scripts

    private func script(_ name: String) -> String { Program.package.appendingPathComponent("scripts/\(name)").path }

    private func exportArguments(
        _ more: [String], validation: String, in folder: TemporaryFolder, to name: String
    ) -> [String] {
        [
            script("export-features.py"), "--root", folder.path("images"), "--validation", folder.path(validation),
            "--resize", "0", "--crop", "0", "--readers", "0", "--output", folder.path(name),
        ] + more
    }

    private func export(_ more: [String], in folder: TemporaryFolder, to name: String) throws {
        try python(
            exportArguments(more, validation: "images/val", in: folder, to: name)
                + ["--test", folder.path("images/test")])
    }

    private func python(_ arguments: [String]) throws {
        let result = try run(arguments)
        try #require(result.status == 0, "\(result.errors)")
    }

    private func run(_ arguments: [String]) throws -> Program.Result {
        let running = try RunningProgram(["OMP_NUM_THREADS=1", Self.interpreter!] + arguments, program: "/usr/bin/env")
        let status = running.waitForExit()
        return Program.Result(status: status, output: running.output, errors: running.errors)
    }

    private func accuracies(_ folder: RunFolder) throws -> (validation: Double, test: Double) {
        let found = try #require(try folder.json("export.json")["accuracy"] as? [String: Double])
        return (try #require(found["validation"]), try #require(found["test"]))
    }

    private func evaluate(_ job: String, head: String? = nil) throws -> (validation: Double, test: Double) {
        let result = try Program.run(["evaluate", job, "--json"] + (head.map { ["--head", $0] } ?? []))
        try #require(result.status == 0, "\(result.errors)")
        let splits = try #require(JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        func accuracy(_ split: String) throws -> Double {
            try #require((splits[split] as? [String: Any])?["accuracy"] as? Double)
        }
        return (try accuracy("validation"), try accuracy("test"))
    }
}
