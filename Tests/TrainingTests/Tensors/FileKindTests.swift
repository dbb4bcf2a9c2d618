import Common
import Testing
import Training

/// Files that people name `.safetensors` or `.npy` by mistake are called what they are, with the way to mend it.
@Suite struct FileKindTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var what: String
        var hint: String
        var bytes: [UInt8]
        var testDescription: String { what }

        init(_ what: String, _ hint: String, _ bytes: [UInt8]) {
            (self.what, self.hint, self.bytes) = (what, hint, bytes + [UInt8](repeating: 0, count: 64))
        }

        init(_ what: String, _ hint: String, text: String) {
            (self.what, self.hint, bytes) = (what, hint, Array(text.utf8))
        }
    }

    static let cases = [
        Case("a PyTorch file", "save_file(torch.load", zip("archive/data.pkl")),
        Case("a PyTorch file", "save_file(torch.load", zip("model/code/constants.pkl")),
        Case("a NumPy archive", "numpy.save", zip("train_x.npy")),
        Case("a zip archive", "numpy.save", zip("word/document.xml")),
        Case("a Python pickle", "save_file(torch.load", [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]),
        Case("a Python pickle", "save_file(torch.load", [0x80, 4, 0x95, 0xd1, 0, 0, 0, 0, 0, 0, 0]),
        Case("compressed by gzip", "gunzip", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
        Case("compressed by zstd", "zstd -d", [0x28, 0xb5, 0x2f, 0xfd, 4, 0, 0, 0]),
        Case("an HDF5 file", "numpy.save", [0x89] + "HDF\r\n\u{1a}\n".utf8),
        Case("a Parquet file", "numpy.save", Array("PAR1".utf8)),
        Case("a web page", "download the file again", text: "<!DOCTYPE html><html><body>404</body></html>"),
        Case("a web page", "download the file again", text: "\u{feff}\r\n <html lang=\"en\"><title>Sign in"),
        Case("a web page", "download the file again", text: "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>"),
        Case("a Git LFS pointer", "git lfs pull", text: "version https://git-lfs.github.com/spec/v1\noid sha256:1"),
        Case("the index of a model", "weight_map", text: #"{"metadata": {}, "weight_map": {"a": "b.safetensors"}}"#),
        Case("JSON text", "save_file", text: #"{"error": "Invalid username or password."}"#),
        Case("text", "save_file", text: "0.1,0.2,0.3\n0.4,0.5,0.6\n"),
    ]

    @Test(arguments: cases, ["bad.safetensors", "bad.npy"]) func isCalledWhatItIs(_ example: Case, name: String) {
        let expected = name == "bad.npy" ? "not a NumPy file" : "not a safetensors file"
        TensorFixture.expectInvalid("it is \(example.what)", hint: example.hint, naming: "`\(name)`") {
            try TensorFixture.file(example.bytes, as: name)
        }
        TensorFixture.expectInvalid(expected, naming: "`\(name)`") { try TensorFixture.file(example.bytes, as: name) }
    }

    @Test func tensorsInTheOtherFormat() {
        let safetensors = TensorFixture.safetensors("{}")
        TensorFixture.expectInvalid("it is a safetensors file", hint: "FILE.safetensors#TENSOR", naming: "`a.npy`") {
            try TensorFixture.file(safetensors, as: "a.npy")
        }
        let damaged = TensorFixture.safetensors(#"{"x":3}"#)
        TensorFixture.expectInvalid("tensor `x`", naming: "`a.safetensors`") {
            try TensorFixture.file(damaged, as: "a.safetensors")
        }
    }

    private static func zip(_ name: String) -> [UInt8] {
        Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 26) + name.utf8
    }
}
