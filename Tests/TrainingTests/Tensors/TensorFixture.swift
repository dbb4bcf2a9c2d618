import Common
import Foundation
import Testing
import Training

/// What the tests of tensor files share: files put together byte by byte, so that nothing is tested against itself alone.
enum TensorFixture {
    /// A safetensors file with exactly this header text.
    static func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
        safetensors(headerLength: UInt64(header.utf8.count), header, data: data)
    }

    static func safetensors(headerLength: UInt64, _ header: String, data: [UInt8] = []) -> [UInt8] {
        bytes(of: headerLength) + header.utf8 + data
    }

    /// A .npy file with exactly this header text.
    static func npy(_ header: String, version: (UInt8, UInt8) = (1, 0), data: [UInt8] = []) -> [UInt8] {
        let length = header.utf8.count
        let field = version.0 == 1 ? bytes(of: UInt16(length)) : bytes(of: UInt32(length))
        return [0x93] + "NUMPY".utf8 + [version.0, version.1] + field + header.utf8 + data
    }

    static func npy(descr: String, shape: String, data: [UInt8] = []) -> [UInt8] {
        npy("{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }\n", data: data)
    }

    static func bytes<Value: BitwiseCopyable>(of value: Value) -> [UInt8] { withUnsafeBytes(of: value, Array.init) }

    static func bytes<Value: BitwiseCopyable>(of values: [Value]) -> [UInt8] { values.withUnsafeBytes(Array.init) }

    /// The file that these bytes make, in memory.
    static func file(_ bytes: [UInt8], as path: String) throws -> TensorFile {
        try TensorFile.decode(bytes.withUnsafeBytes { AlignedBuffer(bytes: $0) }, path: path)
    }

    /// That `body` fails for wrong input, and says so with the name of the file.
    static func expectInvalid<Result>(
        _ fragment: String, hint: String? = nil, naming file: String,
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Result
    ) {
        let error = #expect(throws: SelMixError.self, sourceLocation: sourceLocation) { _ = try body() }
        guard let error else { return }
        #expect(error.code == .invalidInput, sourceLocation: sourceLocation)
        #expect(error.message.contains(file), sourceLocation: sourceLocation)
        #expect("\(error)".contains(fragment), sourceLocation: sourceLocation)
        if let hint { #expect(error.hint?.contains(hint) == true, "\(error)", sourceLocation: sourceLocation) }
    }
}

/// A fresh directory, removed with everything in it when the test lets go of it.
final class TensorDirectory {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("selmix-tensors-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(name: String) -> String { "\(path)/\(name)" }

    /// Writes a file as is, and returns its path.
    func write(_ bytes: [UInt8], as name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: self[name]))
        return self[name]
    }

    func bytes(of name: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: self[name]))) }

    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
}
