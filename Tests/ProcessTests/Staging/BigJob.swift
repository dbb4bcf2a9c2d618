import Common
import Foundation
import Training

/// A job whose data are large and whose work is small.
struct BigJob {
    let path: String

    /// - Parameter megabytes: of training features, in 10^6 bytes, roughly.
    init(in folder: TemporaryFolder, megabytes: Int) throws {
        let (classes, dimension) = (4, 1024)
        let rows = megabytes * 1_000_000 / (dimension * 4)
        // Cheap numbers that differ from chunk to chunk.
        let features = (0..<rows * dimension).map { Float(($0 &* 2_654_435_761) >> 7 & 0xFFFF) / 65536 - 0.5 }
        let labels = (0..<rows).map { Int64($0 % classes) }
        let few = 64
        try SafetensorsWriter.write(
            [
                TensorContent(name: "train.x", shape: [rows, dimension], values: features),
                TensorContent(name: "train.y", shape: [rows], values: labels),
                TensorContent(
                    name: "validation.x", shape: [few, dimension], values: Array(features[..<(few * dimension)])),
                TensorContent(name: "validation.y", shape: [few], values: Array(labels[..<few])),
            ], to: folder.path("big.safetensors"))
        try SafetensorsWriter.write(
            [
                TensorContent(
                    name: "weight", shape: [classes, dimension], values: Array(features[..<(classes * dimension)])),
                TensorContent(name: "bias", shape: [classes], values: [Float](repeating: 0, count: classes)),
            ], to: folder.path("head.safetensors"))
        path = folder.path("job.yaml")
        try """
        data:
          train: {features: big.safetensors#train.x, labels: big.safetensors#train.y}
          validation: {features: big.safetensors#validation.x, labels: big.safetensors#validation.y}
        head: {weight: head.safetensors#weight, bias: head.safetensors#bias}
        objective: min-recall
        selmix: {rounds: 1, stepsPerRound: 2, folds: 1}
        output: run
        """.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
