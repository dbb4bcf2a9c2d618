import Common
import Foundation
import Testing
import Training

/// Files on disk: opening them, and finding tensors in them.
@Suite struct TensorFileTests {
    private let directory: TensorDirectory

    init() throws { directory = try TensorDirectory() }

    private func numbered(_ count: Int) -> [TensorContent] {
        (0..<count).map { TensorContent(name: "layer\($0).weight", shape: [1], values: [$0]) }
    }

    @Test func aMappedFileHoldsWhatWasWritten() throws {
        try SafetensorsWriter.write(
            [
                TensorContent(name: "weight", shape: [2, 2], values: [1, 2, 3, 4] as [Float]),
                TensorContent(name: "bias", shape: [2], values: [5, 6] as [Float]),
            ], metadata: ["round": "3"], to: directory["head.safetensors"])
        let file = try TensorFile.open(directory["head.safetensors"])
        #expect(file.names == ["bias", "weight"])
        #expect(file.metadata == ["round": "3"])
        #expect(try file.tensor("weight").floatArray() == [1, 2, 3, 4])
    }

    @Test func aTensorOutlivesItsFile() throws {
        func tensor() throws -> StoredTensor {
            let path = directory["a.safetensors"]
            try SafetensorsWriter.write(numbered(1), to: path)
            return try TensorFile.open(path).tensor(nil)
        }
        let kept = try tensor()
        // Replacing the file leaves the mapping with the old one.
        try SafetensorsWriter.write(
            [TensorContent(name: "x", shape: [1], values: [99])], to: directory["a.safetensors"])
        #expect(try kept.integers() == [0])
        try FileManager.default.removeItem(atPath: directory["a.safetensors"])
        #expect(try kept.integers() == [0])
    }

    @Test func theOnlyTensorNeedsNoName() throws {
        let path = directory["one.safetensors"]
        try SafetensorsWriter.write(numbered(1), to: path)
        #expect(try TensorFile.open(path).tensor(nil).name == "layer0.weight")
        try SafetensorsWriter.write([], to: path)
        TensorFixture.expectInvalid("holds no tensors", naming: path) { try TensorFile.open(path).tensor(nil) }
    }

    @Test func oneOfSeveralTensorsMustBeNamed() throws {
        let path = directory["many.safetensors"]
        try SafetensorsWriter.write(numbered(12), to: path)
        let file = try TensorFile.open(path)
        TensorFixture.expectInvalid("holds 12 tensors", hint: "`layer0.weight`, `layer1.weight`", naming: path) {
            try file.tensor(nil)
        }
        TensorFixture.expectInvalid("and 2 more", naming: path) { try file.tensor(nil) }
        TensorFixture.expectInvalid("no tensor", hint: "did you mean `layer3.weight`?", naming: path) {
            try file.tensor("layer3.wieght")
        }
        TensorFixture.expectInvalid("no tensor `bias`", hint: "it holds `layer0.weight`", naming: path) {
            try file.tensor("bias")
        }
    }

    @Test func aNumPyFileTakesNoName() throws {
        let path = try directory.write(TensorFixture.npy(descr: "|u1", shape: "(1,)", data: [1]), as: "labels.npy")
        let file = try TensorFile.open(path)
        #expect(try file.tensor(nil).integers() == [1])
        TensorFixture.expectInvalid("a single array", hint: "write `\(path)`", naming: path) {
            try file.tensor("labels")
        }
    }

    @Test func whatCannotBeOpenedIsTold() throws {
        func expect(_ fragment: String, hint: String? = nil, _ path: String) {
            TensorFixture.expectInvalid(fragment, hint: hint, naming: "`\(path)`") { try TensorFile.open(path) }
        }
        expect("cannot read", directory["missing.safetensors"])
        expect(
            "No such file or directory", hint: FileManager.default.currentDirectoryPath, "missing-\(UUID()).safetensors"
        )
        expect("is empty", try directory.write([], as: "empty.npy"))
        expect("is neither a .safetensors nor a .npy file", directory["data.csv"])
        try FileManager.default.createDirectory(atPath: directory["folder.npy"], withIntermediateDirectories: false)
        expect("Is a directory", directory["folder.npy"])
        #expect(mkfifo(directory["pipe.npy"], 0o600) == 0)
        expect("not a regular file", directory["pipe.npy"])
        expect("7 bytes are too few", try directory.write([UInt8](repeating: 0, count: 7), as: "short.safetensors"))
    }

    /// What Hugging Face's libraries write beside the shards of a model names the shard to write.
    @Test func anIndexNamesTheFileOfTheTensor() throws {
        let map = #"{"metadata": {}, "weight_map": {"fc.weight": "model-00002-of-00002.safetensors"}}"#
        let path = try directory.write(Array(map.utf8), as: "model.safetensors.index.json")
        let shard = directory["model-00002-of-00002.safetensors"]
        TensorFixture.expectInvalid("neither", hint: "write `\(shard)#fc.weight`", naming: path) {
            try TensorReference(parsing: "\(path)#fc.weight")
        }
        TensorFixture.expectInvalid("neither", hint: "did you mean `\(shard)#fc.weight`?", naming: path) {
            try TensorReference(parsing: "\(path)#fc.wieght")
        }
        TensorFixture.expectInvalid("neither", hint: "it does not list `bias`", naming: path) {
            try TensorReference(parsing: "\(path)#bias")
        }
        TensorFixture.expectInvalid("neither", hint: "name the file that holds", naming: path) {
            try TensorReference(parsing: path)
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything")) func aForbiddenFileIsTold() throws {
        let path = try directory.write(TensorFixture.safetensors("{}"), as: "secret.safetensors")
        #expect(chmod(path, 0) == 0)
        TensorFixture.expectInvalid("Permission denied", hint: "allowed", naming: path) { try TensorFile.open(path) }
    }

    @Test func aCatalogOpensEachFileOnce() throws {
        let path = directory["a.safetensors"]
        try SafetensorsWriter.write(numbered(2), to: path)
        let catalog = TensorCatalog()
        let first = try catalog.tensor(for: TensorReference(parsing: "\(path)#layer0.weight"))
        try FileManager.default.removeItem(atPath: path)
        let second = try catalog.tensor(for: TensorReference(parsing: "\(path)#layer1.weight"))
        #expect(try first.integers() + second.integers() == [0, 1])
        TensorFixture.expectInvalid("did you mean", naming: path) {
            try catalog.tensor(for: TensorReference(parsing: "\(path)#layer2.weight"))
        }
        TensorFixture.expectInvalid("cannot read", naming: "other.npy") {
            try catalog.tensor(for: TensorReference(parsing: "\(directory["other.npy"])"))
        }
    }
}
