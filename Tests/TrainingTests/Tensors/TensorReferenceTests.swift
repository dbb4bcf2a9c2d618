import Common
import Foundation
import Testing
import Training

@Suite struct TensorReferenceTests {
    @Test(arguments: [
        ("digits.safetensors#train.features", "digits.safetensors", "train.features"),
        ("/a/b.safetensors#x", "/a/b.safetensors", "x"),
        ("head.safetensors", "head.safetensors", nil),
        ("labels.npy", "labels.npy", nil),
        ("run#3/labels.npy", "run#3/labels.npy", nil),
        ("run#3/a.safetensors#x#y", "run#3/a.safetensors", "x#y"),
        ("a.safetensors#b.npy#c", "a.safetensors", "b.npy#c"),
        ("a.npy.safetensors#x", "a.npy.safetensors", "x"),
    ])
    func parsesAndPrintsTheSame(text: String, path: String, tensor: String?) throws {
        let reference = try TensorReference(parsing: text)
        #expect(reference.path == path)
        #expect(reference.tensor == tensor)
        #expect(reference.description == text)
    }

    @Test(arguments: [
        ("", "neither a .safetensors nor a .npy"), ("#x", "neither"), ("data.csv#x", "neither"),
        ("a.npz", "numpy.save"),
        ("model.pt", "safetensors.torch.save_file"), ("safetensors", "neither"), (".npy", "names no file"),
        ("dir/.safetensors#x", "names no file"), ("labels.npy#x", "write `labels.npy`"),
        ("a.safetensors#", "names no tensor"), ("labels.NPY", "small letters"), ("x.csv", "numpy.save"),
        ("model.bin#fc.weight", "safetensors.torch.save_file"), ("gone.safetensors.index.json#x", "weight_map"),
    ])
    func refusesWhatIsNone(text: String, told: String) {
        TensorFixture.expectInvalid(told, naming: "`\(text.prefix { $0 != "#" })") {
            try TensorReference(parsing: text)
        }
    }

    @Test func isResolvedAgainstTheDirectoryOfTheJobFile() throws {
        let reference = try TensorReference(parsing: "data/a.safetensors#x")
        #expect(reference.resolved(relativeTo: "/jobs").description == "/jobs/data/a.safetensors#x")
        #expect(reference.resolved(relativeTo: "jobs/").description == "jobs/data/a.safetensors#x")
        #expect(reference.resolved(relativeTo: "").description == "data/a.safetensors#x")
        let absolute = try TensorReference(parsing: "/data/labels.npy")
        #expect(absolute.resolved(relativeTo: "/jobs") == absolute)
    }

    @Test func isCodedAsOneString() throws {
        let reference = try TensorReference(parsing: "a.safetensors#x")
        let json = try JSONEncoder().encode([reference])
        #expect(String(decoding: json, as: UTF8.self) == #"["a.safetensors#x"]"#)
        #expect(try JSONDecoder().decode([TensorReference].self, from: json) == [reference])
        #expect {
            try JSONDecoder().decode([TensorReference].self, from: Data(#"["a.csv"]"#.utf8))
        } throws: { error in
            guard case DecodingError.dataCorrupted(let context) = error else { return false }
            return context.codingPath.count == 1 && context.underlyingError is SelMixError
        }
    }
}
