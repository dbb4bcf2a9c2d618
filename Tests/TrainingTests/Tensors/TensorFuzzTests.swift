import Common
import Testing
import Training

/// No damage to a file ends the process or shows memory outside of the file: it is either refused by name or still a valid
/// file. Mutations are drawn from a seed, so that a failure is found again by its number.
@Suite struct TensorFuzzTests {
    private static let mutations = 20_000
    private static let seed: UInt64 = 0x7e_4507

    @Test func damagedFilesAreRefusedOrRemainValid() throws {
        let originals = try Self.originals()
        var (accepted, refused) = (0, 0)
        for number in 0..<Self.mutations {
            var draw = Draw(seed: Self.seed, number: number)
            let original = originals[draw.below(originals.count)]
            var bytes = original.bytes
            for _ in 0...max(0, draw.below(8) - 5) { Self.mutate(&bytes, format: original.path, &draw) }
            let buffer = bytes.withUnsafeBytes { AlignedBuffer(bytes: $0) }
            do {
                let file = try TensorFile.decode(buffer, path: original.path)
                accepted += 1
                for tensor in file.tensors { Self.check(tensor, liesIn: buffer, number) }
            } catch let error as SelMixError {
                refused += 1
                if error.code != .invalidInput || !error.message.hasPrefix("`\(original.path)`") {
                    Issue.record("mutation \(number): \(error)")
                }
            }
        }
        // Both sides are exercised: bits of the data may flip, and names may change.
        #expect(accepted > Self.mutations / 50)
        #expect(refused > Self.mutations / 2)
    }

    private static func check(_ tensor: StoredTensor, liesIn buffer: AlignedBuffer, _ number: Int) {
        let (file, bytes) = (buffer.bytes, tensor.bytes)
        let isInside =
            bytes.baseAddress! >= file.baseAddress!
            && bytes.baseAddress! + bytes.count <= file.baseAddress! + file.count
        let size = tensor.dataType.byteCount(of: tensor.shape)
        if !isInside || size != bytes.count || tensor.elementCount * tensor.dataType.byteCount != bytes.count {
            Issue.record("mutation \(number): \(tensor.source) \(tensor.shape) \(bytes) of \(file)")
            return
        }
        // Reads every byte by all ways; what is of the wrong kind throws.
        _ = tensor.digest()
        _ = try? tensor.floatArray()
        _ = try? tensor.integers()
        if tensor.dataType.isFloatingPoint, tensor.rowCount > 0 {
            var row = [Float](repeating: 0, count: tensor.rowElements + 1)
            tensor.floats(row: tensor.rowCount - 1, into: &row)
        }
    }

    private static func originals() throws -> [(path: String, bytes: [UInt8])] {
        let all = DataType.allCases.enumerated().map { index, type in
            TensorContent(
                name: "t\(index)", dataType: type, shape: [index % 3, 2],
                bytes: [UInt8](repeating: 3, count: index % 3 * 2 * type.byteCount))
        }
        let one = [TensorContent(name: "weight\n\"é", shape: [2, 4], values: [Float](repeating: 1, count: 8))]
        let header = "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }     \n"
        let data = [UInt8](repeating: 5, count: 12)
        return [
            ("all.safetensors", try SafetensorsWriter.encode(all)),
            ("one.safetensors", try SafetensorsWriter.encode(one, metadata: ["a": "b"])),
            (
                "odd.safetensors",
                TensorFixture.safetensors(
                    #"{"x":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}"#, data: [1, 2, 3, 4, 5, 6])
            ),
            ("v1.npy", TensorFixture.npy(header, data: data)),
            ("v2.npy", TensorFixture.npy(header, version: (2, 0), data: data)),
            ("v3.npy", TensorFixture.npy(header, version: (3, 0), data: data)),
        ]
    }

    /// What header edits write in place of numbers and words: the limits of every type on the way, and valid bits of syntax.
    private static let words: [String] = [
        "0", "1", "2", "-1", "6", "8", "255", "65536", "2147483648", "4294967296", "4611686018427387904",
        "9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999", "1e9", "0.5",
        "[]", "{}", "[[[[", "\"\"", "\"\\u", "\"\\ud83d", "null", "true", "F64", "F16", "U8", "I64", "BOOL", "<f4",
        "|u1", ">f8", "True", "False", "()", "(0,)", "(2,3)", ",", "\\", "\u{0}", "é",
    ]

    private static func mutate(_ bytes: inout [UInt8], format path: String, _ draw: inout Draw) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(draw.below(256))) }
        // Headers are where decisions are made: most damage goes there.
        let reach = draw.below(3) == 0 ? bytes.count : min(bytes.count, 120)
        let place = draw.below(reach)
        switch draw.below(7) {
        case 0: bytes[place] ^= 1 << draw.below(8)
        case 1: bytes[place] = UInt8(draw.below(256))
        case 2: bytes.removeLast(draw.below(bytes.count + 1))
        case 3: bytes.insert(contentsOf: (0...draw.below(9)).map { _ in UInt8(draw.below(256)) }, at: place)
        case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + draw.below(12)))
        default: edit(&bytes, at: place, format: path, &draw)
        }
    }

    /// Puts a word into the header, and corrects the header length, so that the damage gets as far as the parser.
    private static func edit(_ bytes: inout [UInt8], at place: Int, format path: String, _ draw: inout Draw) {
        let isNumpy = path.hasSuffix(".npy")
        let start = !isNumpy ? 8 : bytes.count > 6 && bytes[6] == 1 ? 10 : 12
        guard bytes.count > start else { return }
        var place = max(place, start)
        let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
        var end = min(bytes.count, place + draw.below(4))
        if draw.below(2) == 0, let number = bytes[place...].firstIndex(where: isDigit) {
            (place, end) = (number, bytes[number...].firstIndex { !isDigit($0) } ?? bytes.count)
        }
        let word = Array(words[draw.below(words.count)].utf8)
        bytes.replaceSubrange(place..<end, with: word)
        let change = word.count - (end - place)
        let field = isNumpy ? 8..<start : 0..<8
        let length = field.reversed().reduce(0) { $0 &<< 8 | UInt64(bytes[$1]) } &+ UInt64(bitPattern: Int64(change))
        for (shift, index) in field.enumerated() {
            bytes[index] = UInt8(truncatingIfNeeded: length &>> UInt64(8 * shift))
        }
    }

    /// The random numbers of one mutation.
    private struct Draw {
        private let philox: Philox
        private let number: Int
        private var count = 0

        init(seed: UInt64, number: Int) {
            philox = Philox(seed: seed)
            self.number = number
        }

        mutating func below(_ limit: Int) -> Int {
            count += 1
            return philox.block(.synthesis, index: number, slot: count).low.scaled(to: limit)
        }
    }
}
