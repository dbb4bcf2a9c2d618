import Foundation
import Training

/// A tensor of a file that a job is to be written for, with what its name and shape suggest.
struct FoundTensor {
    enum Role: String, CaseIterable {
        case train, validation, test, unlabeled
    }

    let reference: String
    let tensor: StoredTensor
    /// The words of its file's and its own name, in lower case: `train_X` and `trainX` are "train", "x".
    private let words: [String]
    private let folderWords: [String]

    /// - Parameters:
    ///   - path: the file as it was named.
    ///   - reference: how the job file is to name the tensor.
    init(_ tensor: StoredTensor, path: String, reference: String) {
        self.tensor = tensor
        self.reference = reference
        let url = URL(fileURLWithPath: path)
        let file = url.deletingPathExtension().lastPathComponent
        words = Self.words(url.pathExtension == "npy" ? file : "\(file) \(tensor.name)")
        folderWords = Self.words(url.deletingLastPathComponent().lastPathComponent)
    }

    private static let roles: [Role: Set<String>] = [
        .train: ["train", "training", "tr"], .validation: ["validation", "valid", "val", "dev"],
        .test: ["test", "testing", "te"], .unlabeled: ["unlabeled", "unlabelled"],
    ]

    /// The split that its name tells, by the last word that tells one; else that of its folder, if it is called so.
    var role: Role? { nameRole ?? (folderWords.count == 1 ? Self.role(folderWords) : nil) }
    var nameRole: Role? { Self.role(words) }

    private static func role(_ words: [String]) -> Role? {
        for word in words.reversed() {
            if let role = Role.allCases.first(where: { roles[$0]!.contains(word) }) { return role }
        }
        return nil
    }

    var isFeatures: Bool {
        [.float32, .float16, .bfloat16].contains(tensor.dataType) && tensor.shape.count == 2
    }

    var isLabels: Bool { tensor.dataType.isInteger && tensor.shape.count == 1 }

    /// "`head.safetensors#fc.weight` float32 [10, 64]".
    var description: String { "`\(reference)` \(tensor.dataType) \(tensor.shape)" }

    func has(oneOf wanted: Set<String>) -> Bool { words.contains { wanted.contains($0) } }

    /// Splits at whatever is no letter or digit, and where a capital begins a word.
    private static func words(_ text: String) -> [String] {
        let characters = Array(text)
        var words = [""]
        for (index, character) in characters.enumerated() {
            let previous = index > 0 ? characters[index - 1] : " "
            let next = index + 1 < characters.count ? characters[index + 1] : " "
            // `trainX`, and `XTrain`.
            if character.isUppercase && (previous.isLowercase || previous.isUppercase && next.isLowercase) {
                words.append("")
            }
            if character.isLetter || character.isNumber {
                words[words.count - 1].append(character)
            } else {
                words.append("")
            }
        }
        return words.filter { !$0.isEmpty }.map { $0.lowercased() }
    }
}
