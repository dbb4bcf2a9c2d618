import Common
import Foundation
import Testing
import Training

/// A file is replaced as a whole or not at all.
@Suite struct AtomicFileTests {
    private let directory: TensorDirectory

    init() throws { directory = try TensorDirectory() }

    private let content = [TensorContent(name: "x", shape: [2], values: [1, 2] as [Float])]

    @Test func replacesAFileAndLeavesNothingElse() throws {
        let path = try directory.write([1, 2, 3], as: "a.safetensors")
        try SafetensorsWriter.write(content, metadata: ["a": "b"], to: path)
        #expect(try directory.bytes(of: "a.safetensors") == SafetensorsWriter.encode(content, metadata: ["a": "b"]))
        #expect(try directory.names == ["a.safetensors"])
    }

    @Test func aFailureHalfWayKeepsTheOldFile() throws {
        struct Interrupted: Error {}
        let path = try directory.write([1, 2, 3], as: "a.bin")
        #expect(throws: Interrupted.self) {
            try AtomicFile.write(to: path) { sink in
                try [UInt8](repeating: 9, count: 100_000).withUnsafeBytes { try sink.write($0) }
                throw Interrupted()
            }
        }
        #expect(try directory.bytes(of: "a.bin") == [1, 2, 3])
        #expect(try directory.names == ["a.bin"])
    }

    @Test func namesThatCannotBeStoredLeaveTheOldFile() throws {
        let path = try directory.write([1, 2, 3], as: "a.safetensors")
        #expect(throws: SelMixError.self) { try SafetensorsWriter.write(content + content, to: path) }
        #expect(try directory.bytes(of: "a.safetensors") == [1, 2, 3])
        #expect(try directory.names == ["a.safetensors"])
    }

    @Test func aDirectoryInTheWayIsToldAndKept() throws {
        let path = directory["a.safetensors"]
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        _ = try directory.write([7], as: "a.safetensors/inside")
        let error = #expect(throws: SelMixError.self) { try SafetensorsWriter.write(content, to: path) }
        #expect(error?.code == .failed)
        #expect(error?.message == "cannot write `\(path)`")
        #expect(error?.hint == "a directory of that name is in the way")
        #expect(try directory.bytes(of: "a.safetensors/inside") == [7])
        #expect(try directory.names == ["a.safetensors"])
    }

    @Test func aMissingDirectoryIsTold() throws {
        let error = #expect(throws: SelMixError.self) {
            try SafetensorsWriter.write(content, to: directory["missing/a.safetensors"])
        }
        #expect(error?.code == .failed)
        #expect(error?.hint == "its directory does not exist")
        #expect(error?.cause != nil)
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere")) func aReadOnlyDirectoryKeepsTheOldFile() throws {
        let path = try directory.write([1, 2, 3], as: "a.safetensors")
        #expect(chmod(directory.path, 0o500) == 0)
        defer { chmod(directory.path, 0o700) }
        let error = #expect(throws: SelMixError.self) { try SafetensorsWriter.write(content, to: path) }
        #expect(error?.code == .failed)
        #expect(try directory.bytes(of: "a.safetensors") == [1, 2, 3])
    }

    @Test func theLongestNameThatAFileCanHaveWorks() throws {
        let name = String(repeating: "a", count: 255 - ".safetensors".count) + ".safetensors"
        try SafetensorsWriter.write(content, to: directory[name])
        #expect(try directory.names == [name])
    }

    @Test func manyWritersOfOneFileDoNotDisturbEachOther() async throws {
        let path = directory["a.safetensors"]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    let values = [Int](repeating: writer, count: 1000)
                    try SafetensorsWriter.write([TensorContent(name: "x", shape: [1000], values: values)], to: path)
                }
            }
            try await group.waitForAll()
        }
        #expect(try Set(TensorFile.open(path).tensor(nil).integers()).count == 1)
        #expect(try directory.names == ["a.safetensors"])
    }

    @Test func anyKindOfMemoryIsWritten() throws {
        let values: [Float] = [1, 2]
        let buffer = values.withUnsafeBytes { AlignedBuffer(bytes: $0) }
        let expected = try SafetensorsWriter.encode(content)
        let contents = [
            TensorContent(name: "x", dataType: .float32, shape: [2], buffer: buffer),
            TensorContent(name: "x", dataType: .float32, shape: [2], bytes: buffer.bytes),
            TensorContent(name: "x", dataType: .float32, shape: [2], bytes: Array(buffer.bytes)),
        ]
        for content in contents { #expect(try SafetensorsWriter.encode([content]) == expected) }
    }
}
