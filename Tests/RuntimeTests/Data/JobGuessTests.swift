import Common
import Foundation
import Testing
import Training

@testable import Runtime

/// Which tensor is what, by names as people give them.
@Suite final class JobGuessTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("selmix-\(UUID().uuidString)")
    private static let dimension = 4

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Writes tensors to `file`: [rows, d] features and [rows] labels of three classes, and a head.
    private func write(_ tensors: [TensorContent], to file: String) throws -> String {
        let path = folder.appendingPathComponent(file)
        try FileManager.default.createDirectory(
            at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        if file.hasSuffix(".npy") {
            try Self.npy(tensors[0]).write(to: path)
        } else {
            try SafetensorsWriter.write(tensors, to: path.path)
        }
        return path.path
    }

    private static func npy(_ tensor: TensorContent) throws -> Data {
        let type = ["F32": "<f4", "I64": "<i8"][tensor.dataType.rawValue]!
        let shape = tensor.shape.map { "\($0)," }.joined()
        var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }"
        header += String(repeating: " ", count: 63 - (header.utf8.count + 10) % 64) + "\n"
        let encoded = try SafetensorsWriter.encode([tensor])
        let length = withUnsafeBytes(of: UInt16(header.utf8.count).littleEndian, Array.init)
        return Data([0x93] + "NUMPY".utf8 + [1, 0] + length + header.utf8)
            + encoded.suffix(tensor.shape.reduce(tensor.dataType.byteCount, *))
    }

    private static func x(_ name: String, _ rows: Int) -> TensorContent {
        TensorContent(
            name: name, shape: [rows, dimension], values: (0..<rows * dimension).map { Float($0) / 10 })
    }

    private static func y(_ name: String, _ rows: Int, classes: Int = 3) -> TensorContent {
        TensorContent(name: name, shape: [rows], values: (0..<rows).map { Int64($0 % classes) })
    }

    private static func head(_ weight: String, _ bias: String, classes: Int = 3) -> [TensorContent] {
        [
            x(weight, classes),
            TensorContent(name: bias, shape: [classes], values: [Float](repeating: 0, count: classes)),
        ]
    }

    private func draft(_ files: [String]) throws -> JobDraft {
        try JobGuess(files: files, jobPath: folder.appendingPathComponent("job.yaml").path).draft(
            objective: "min-recall")
    }

    @Test func oneFileOfEverything() throws {
        let file = try write(
            [
                Self.x("train.features", 9), Self.y("train.labels", 9), Self.x("val.features", 6),
                Self.y("val.labels", 6), Self.x("test.features", 7), Self.y("test.labels", 7),
                Self.x("unlabeled.features", 5),
            ] + Self.head("fc.weight", "fc.bias"), to: "all.safetensors")
        let draft = try draft([file])
        #expect(
            draft.data.train
                == SplitFiles(
                    features: "all.safetensors#train.features", labels: "all.safetensors#train.labels"))
        #expect(draft.data.validation.features == "all.safetensors#val.features")
        #expect(draft.data.test?.labels == "all.safetensors#test.labels")
        #expect(draft.data.unlabeled?.features == "all.safetensors#unlabeled.features")
        #expect(draft.head == HeadFiles(weight: "all.safetensors#fc.weight", bias: "all.safetensors#fc.bias"))
    }

    @Test func aHeadMayHaveNoBias() throws {
        let file = try write(
            [
                Self.x("train.x", 9), Self.y("train.y", 9), Self.x("val.x", 6), Self.y("val.y", 6),
                Self.x("fc.weight", 3),
            ],
            to: "all.safetensors")
        let draft = try draft([file])
        #expect(draft.head == HeadFiles(weight: "all.safetensors#fc.weight", bias: nil))
        let job = try JobFile.parse(draft.text, path: folder.appendingPathComponent("job.yaml").path)
        #expect(job.head.bias == nil)
    }

    @Test func namesOfOtherHabits() throws {
        let files = [
            try write([Self.x("", 9)], to: "X_train.npy"), try write([Self.y("", 9)], to: "y_train.npy"),
            try write([Self.x("", 6)], to: "XVal.npy"), try write([Self.y("", 6)], to: "yVal.npy"),
            try write(Self.head("classifier.weight", "classifier.bias"), to: "model.safetensors"),
        ]
        let draft = try draft(files)
        #expect(draft.data.train == SplitFiles(features: "X_train.npy", labels: "y_train.npy"))
        #expect(draft.data.validation == SplitFiles(features: "XVal.npy", labels: "yVal.npy"))
        #expect(draft.data.test == nil && draft.data.unlabeled == nil)
    }

    @Test func foldersTellTheSplitToo() throws {
        let files = [
            try write([Self.x("", 9)], to: "train/features.npy"), try write([Self.y("", 9)], to: "train/labels.npy"),
            try write([Self.x("", 6)], to: "validation/features.npy"),
            try write([Self.y("", 6)], to: "validation/labels.npy"),
            try write([Self.x("", 3)], to: "head/w.npy"), try write([Self.head("w", "b")[1]], to: "head/b.npy"),
        ]
        let draft = try draft(files)
        #expect(draft.data.train == SplitFiles(features: "train/features.npy", labels: "train/labels.npy"))
        #expect(draft.head == HeadFiles(weight: "head/w.npy", bias: "head/b.npy"))
    }

    @Test func whatIsMissingOrAmbiguousIsTold() throws {
        let data = try write(
            [
                Self.x("train.features", 9), Self.y("train.labels", 9), Self.x("val.features", 6),
                Self.y("val.labels", 6),
            ], to: "data.safetensors")
        func refusal(_ files: [String]) -> SelMixError? {
            #expect(throws: SelMixError.self) { try self.draft(files) }
        }
        let headless = refusal([data])
        #expect(headless?.code == .invalidInput && headless?.message.contains("head's weight [K, 4]") == true)
        #expect(headless?.hint?.contains("`data.safetensors#train.features` float32 [9, 4]") == true)

        let head = try write(Self.head("weight", "bias"), to: "a.safetensors")
        let other = try write(Self.head("weight", "bias"), to: "b.safetensors")
        #expect(refusal([data, head, other])?.message.contains("2 tensors could be the head's weight") == true)

        let unlabelled = try write([Self.x("train.features", 9), Self.x("val.features", 6)], to: "c.safetensors")
        #expect(refusal([unlabelled, head])?.message.contains("labels of train") == true)

        // A head of other classes than the labels: what a run would say.
        let small = try write(Self.head("weight", "bias", classes: 2), to: "d.safetensors")
        #expect(refusal([data, small])?.message.contains("outside 0 ... 1") == true)
    }
}
