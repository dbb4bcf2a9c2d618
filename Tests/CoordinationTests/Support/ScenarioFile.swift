import Foundation

/// A scenario: commands and, below `----`, what they lead to, up to the next empty line.
///
///     # What is shown.
///
///     cluster shards=4 rounds=1 steps=1
///     start w1
///     settle
///     ----
///     w1 -> coordinator: hello from selmix 1.0
///
/// Comments and empty lines stay as they are when a file is written anew.
struct ScenarioFile {
    struct Block {
        /// Comments and empty lines above the commands.
        var preamble: [String] = []
        var commands: [String] = []
        var output: [String] = []
    }

    var blocks: [Block] = []

    init(_ text: String) {
        var block = Block()
        var inOutput = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if inOutput {
                if line.isEmpty {
                    blocks.append(block)
                    block = Block(preamble: [""])
                    inOutput = false
                } else {
                    block.output.append(line)
                }
            } else if line == "----" {
                inOutput = true
            } else if block.commands.isEmpty, line.isEmpty || line.hasPrefix("#") {
                block.preamble.append(line)
            } else if !line.isEmpty {
                block.commands.append(line)
            }
        }
        if inOutput { blocks.append(block) }
    }

    var text: String {
        blocks.map { (($0.preamble + $0.commands + ["----"] + $0.output).joined(separator: "\n")) + "\n" }.joined()
    }

    /// The same file with the output that its commands give now.
    func played() throws -> ScenarioFile {
        let cluster = ScenarioCluster()
        var result = self
        for index in blocks.indices {
            for command in blocks[index].commands { try cluster.perform(command) }
            result.blocks[index].output = cluster.takeOutput()
        }
        return result
    }
}

extension ScenarioFile {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Scenarios")

    /// The names of all scenarios.
    static var all: [String] {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (files ?? []).filter { $0.hasSuffix(".txt") }.sorted()
    }

    static func read(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }
}
