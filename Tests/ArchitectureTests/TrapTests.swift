import Foundation
import Testing

/// The house rule that nothing from outside ends a process: where bytes from the network, files and HTTP are handled, whatever
/// traps says in a comment right before it why no input can reach it.
@Suite struct TrapTests {
    static let folders = [
        "Messaging", "Coordination", "Runtime/Coordinator", "Runtime/Worker", "Runtime/Monitor", "Engine", "Shells",
        "Monitor",
    ]
    private static let traps = ["precondition(", "preconditionFailure(", "fatalError(", "try!", " as! "]

    @Test(arguments: folders) func everyTrapSaysWhyItIsOutOfReach(folder: String) throws {
        for file in try ImportTests.files(of: folder) {
            let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
            for (index, line) in lines.enumerated() where Self.traps.contains(where: line.contains) {
                let before = lines[max(0, index - 3)..<index].map { $0.trimmingCharacters(in: .whitespaces) }
                #expect(
                    before.contains { $0.hasPrefix("//") && !$0.hasPrefix("///") },
                    "\(file.lastPathComponent):\(index + 1) traps: \(line.trimmingCharacters(in: .whitespaces))")
            }
        }
    }

    /// A Double from outside may be any; converting one that does not fit traps.
    @Test(arguments: folders) func doublesAreConvertedSaturating(folder: String) throws {
        let conversions = try Regex(#"\bU?Int(8|16|32|64)?\(.*(\.rounded\(|\* 100|[sS]econds \*)"#)
        for file in try ImportTests.files(of: folder) {
            let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
            for (index, line) in lines.enumerated() where line.contains(conversions) {
                let isSafe = line.contains("saturating:") || line.contains("exactly:") || line.contains("// ")
                #expect(isSafe, "\(file.lastPathComponent):\(index + 1) may trap: \(line)")
            }
        }
    }
}
