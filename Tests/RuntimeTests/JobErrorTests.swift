import Common
import Foundation
import Testing

@testable import Runtime

private let leastKeys = "a job file has at least `data`, `head`, `objective` and `output`"
private let checkYAML = "check the indentation (spaces, never tabs), the brackets and the space after each colon"

/// What is said about a job file that is wrong as a whole, or in its keys. Lines after `JobFileTests.minimal` start at 7.
@Suite struct JobErrorTests {
    @Test(arguments: [
        JobMistake("", "`job.yaml` is empty", leastKeys),
        JobMistake("# nothing\n", "`job.yaml` is empty", leastKeys),
        JobMistake("just text", "`job.yaml` must be a mapping of keys to values, not `just text`", leastKeys),
        JobMistake("- a\n- b", "`job.yaml` must be a mapping of keys to values, not a list", leastKeys),
        JobMistake(
            "a: b: c",
            "this is not valid YAML: mapping values are not allowed in this context (job.yaml line 1, column 5)",
            checkYAML),
        JobMistake(
            "a: [1,\nb: 2",
            "this is not valid YAML: while parsing a flow sequence from line 1: did not find expected ',' or ']' "
                + "(job.yaml line 3, column 1)", checkYAML),
        JobMistake(
            "a: 1\n---\nb: 2",
            "this is not valid YAML: expected a single document in the stream but found another document "
                + "(job.yaml line 2, column 1)", checkYAML),
        JobMistake(
            "a:\n\tb: 2",
            "this is not valid YAML: while scanning for the next token from line 2: "
                + "found character that cannot start any token (job.yaml line 2, column 1)", checkYAML),
        JobMistake(
            "a: *b", "this is not valid YAML: found undefined alias (job.yaml line 1, column 4)", checkYAML),
        JobMistake(
            "a: \u{1}", "this is not valid YAML: control characters are not allowed (job.yaml)",
            "the file must be text in UTF-8"),
        JobMistake(
            "batch: 8\nseed: 1\nbatch: 16", "`batch` is given twice in one mapping (job.yaml line 1)",
            "keep one of the two"),
        JobMistake("[a]: 3", "a key must be a plain word (job.yaml line 1)"),
        JobMistake(
            "batch: 8", "`data` is missing (job.yaml)",
            "add `data: {train: {features: FILE#TENSOR, labels: FILE#TENSOR}, "
                + "validation: {features: FILE#TENSOR, labels: FILE#TENSOR}}`"),
        JobMistake(
            "seed: 1\ndata:\n  validation: {}", "`data.train` is missing (job.yaml line 3)",
            "add `train: {features: FILE#TENSOR, labels: FILE#TENSOR}`"),
        JobMistake(
            "data: {train: {features: a.npy}}", "`data.train.labels` is missing (job.yaml line 1)",
            "add `labels: FILE#TENSOR`"),
        JobMistake("data: 3", "`data` must be a mapping, not `3` (job.yaml line 1)"),
    ])
    func wholeFile(_ mistake: JobMistake) {
        mistake.check(in: mistake.text)
    }

    /// Aliases within aliases multiply; keys that are such aliases are compared while the text is parsed.
    @Test(arguments: [4, 7, 9, 60]) func aliasesThatMultiply(levels: Int) throws {
        var lines = ["n0: &n0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
        for level in 1...levels {
            let aliases = Array(repeating: "*n\(level - 1)", count: 9).joined(separator: ",")
            lines.append("n\(level): &n\(level) [\(aliases)]")
        }
        lines += ["? *n\(levels) \n: 1", "? *n\(levels - 1) \n: 1"]
        for text in [lines.joined(separator: "\n"), "x: {\(lines.dropLast(2).joined(separator: ", "))}"] {
            let error = #expect(throws: SelMixError.self) { try JobFile.parse(text, path: "job.yaml") }
            #expect(error?.code == .invalidInput && error?.hint?.contains("aliases") == true, "\(error as Any)")
        }
        let value = "[&a [1,1,1], &b [*a,*a,*a], \(Array(repeating: "*b,*b,*b", count: 20).joined(separator: ","))]"
        let override = #expect(throws: SelMixError.self) {
            try JobFile.parse(JobFileTests.minimal, path: "job.yaml", overrides: ["objective.groups=\(value)"])
        }
        #expect(override?.message.contains("aliases, which can stand for more") == true)
    }

    /// A few aliases are as good as what they stand for, and a list may be as long as there are classes.
    @Test func aliasesAndLongListsAreRead() throws {
        let split = "{features: a.npy, labels: b.npy}"
        let text = """
            data: {train: &split \(split), validation: *split, test: *split}
            head: {weight: w.npy, bias: b.npy}
            objective: {name: min-recall, head: [\((0..<30_000).map(String.init).joined(separator: ", "))]}
            output: run
            """
        let job = try JobFile.parse(text, path: "/jobs/job.yaml")
        #expect(job.data.test == job.data.train && job.objective.head?.count == 30_000)
        let endless = text.replacing("head: [", with: "head: [\(String(repeating: "1, ", count: 100_000))")
        let error = #expect(throws: SelMixError.self) { try JobFile.parse(endless, path: "job.yaml") }
        #expect(error?.message.hasPrefix("a job file of more than 100000 values") == true)
    }

    @Test(arguments: [
        ("validation", "`data.validation` is missing (job.yaml line 2)"),
        ("head", "`head` is missing (job.yaml)"),
        ("objective", "`objective` is missing (job.yaml)"),
        ("output", "`output` is missing (job.yaml)"),
    ])
    func missingKeys(key: String, message: String) {
        let lines = JobFileTests.minimal.split(separator: "\n").filter {
            !$0.drop { $0 == " " }.hasPrefix(key)
        }
        let error = #expect(throws: SelMixError.self) {
            try JobFile.parse(lines.joined(separator: "\n"), path: "job.yaml")
        }
        #expect(error?.message == message)
        #expect(error?.hint?.hasPrefix("add `\(key): ") == true)
    }

    @Test(arguments: [
        JobMistake(
            "selmix: {round: 3}", "unknown key `selmix.round` (job.yaml line 7)", "did you mean `selmix.rounds`?"),
        JobMistake(
            "optimiser:\n  momentum: 0", "unknown key `optimiser` (job.yaml line 7)", "did you mean `optimizer`?"),
        JobMistake("\nrounds: 3", "unknown key `rounds` (job.yaml line 8)", "did you mean `selmix.rounds`?"),
        JobMistake(
            "checkpoints: {everyFewRounds: 3}", "unknown key `checkpoints.everyFewRounds` (job.yaml line 7)",
            "known in `checkpoints` are keep"),
        JobMistake(
            "xyzzyx: 1", "unknown key `xyzzyx` (job.yaml line 7)",
            "known are name, seed, data, head, objective, preset, selmix, loss, baselines, optimizer, batch, cluster, "
                + "checkpoints, trace, tensorBoard, output"),
        // Before anything else that is wrong, wherever it stands.
        JobMistake("batch: abc\nbach: 3", "unknown key `bach` (job.yaml line 8)", "did you mean `batch`?"),
    ])
    func unknownKeys(_ mistake: JobMistake) {
        mistake.check(in: JobFileTests.minimal + "\n" + mistake.text)
    }

    @Test func files() throws {
        let missing = #expect(throws: SelMixError.self) { try JobFile.load("/nowhere/job.yaml") }
        #expect(missing?.message == "there is no job file `/nowhere/job.yaml`")
        #expect(missing?.hint == "check the path; cluster/digits-lt holds examples")
        let folder = #expect(throws: SelMixError.self) { try JobFile.load("/tmp") }
        #expect(folder?.message == "`/tmp` is a folder")

        let file = FileManager.default.temporaryDirectory.appending(path: "job-\(UUID().uuidString).yaml")
        try Data([0x61, 0xff, 0xfe]).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let windows = JobFileTests.minimal.replacing("\n", with: "\r\n")
        let (expected, units) = (try JobFile.parse(windows, path: file.path), Array("\u{feff}\(windows)".utf16))
        for bytes in [Data("\u{feff}\(windows)".utf8), Data(units.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] })] {
            try bytes.write(to: file)
            #expect(try JobFile.load(file.path) == expected)
        }
        try Data([0x61, 0xff, 0xfe]).write(to: file)
        let binary = #expect(throws: SelMixError.self) { try JobFile.load(file.path) }
        #expect(binary?.message == "`\(file.path)` is not text in UTF-8")
        #expect([missing, folder, binary].allSatisfy { $0?.code == .invalidInput })
    }
}
