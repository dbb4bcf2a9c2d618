import Testing

/// Every way in which a safetensors file can be wrong is told, with the name of the file.
@Suite struct SafetensorsMalformedTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var told: String
        var bytes: [UInt8]
        var hint: String?
        var testDescription: String { told }

        init(_ told: String, _ bytes: [UInt8], hint: String? = nil) {
            (self.told, self.bytes, self.hint) = (told, bytes, hint)
        }

        /// A file with one tensor `x`, whose entry is `entry`.
        init(_ told: String, entry: String, data: Int = 4, hint: String? = nil) {
            self.init(told, header: #"{"x":\#(entry)}"#, data: data, hint: hint)
        }

        init(_ told: String, header: String, data: Int = 0, hint: String? = nil) {
            self.init(told, TensorFixture.safetensors(header, data: [UInt8](repeating: 0, count: data)), hint: hint)
        }
    }

    @Test(arguments: framing + syntax + entries + coverage) func isRefused(_ example: Case) {
        TensorFixture.expectInvalid(example.told, hint: example.hint, naming: "`data/bad.safetensors`") {
            try TensorFixture.file(example.bytes, as: "data/bad.safetensors")
        }
    }

    static let framing = [
        Case("0 bytes are too few", []),
        Case("7 bytes are too few", [1, 0, 0, 0, 0, 0, 0]),
        Case(
            "a header of 3 bytes, but only 2 follow", TensorFixture.safetensors(headerLength: 3, "{}"),
            hint: "cut short"),
        Case("more than the 100000000", TensorFixture.safetensors(headerLength: 100_000_001, "{}")),
        Case("more than the 100000000", TensorFixture.safetensors(headerLength: .max, "{}")),
        Case(
            "it is a NumPy array", TensorFixture.npy(descr: "<f4", shape: "()", data: [0, 0, 0, 0]), hint: "FILE.npy"),
        Case(
            "it is a Git LFS pointer", Array("version https://git-lfs.github.com/spec/v1\n".utf8), hint: "git lfs pull"),
    ]

    static let syntax = [
        Case("the header ends where an object should be", header: ""),
        Case("`[` instead of an object at byte 0", header: "[]"),
        Case("the header ends where a string should be", header: "{"),
        Case("instead of the end at byte 2", header: "{}}"),
        Case("`1` instead of a string", header: "{1:2}"),
        Case("instead of `:`", header: #"{"x" 1}"#),
        Case("`}` instead of a string", header: #"{"__metadata__":{},}"#),
        Case("instead of `,` or `}`", header: #"{"__metadata__":{} "x"}"#),
        Case("a string that is not UTF-8", TensorFixture.safetensors(headerLength: 5, "{\"") + [0xff, 0x22, 0x7d]),
        Case("the byte 10 instead of the end of a string", header: "{\"a\nb\":1}"),
        Case("an unknown escape", header: #"{"\x41":1}"#),
        Case("a broken \\u escape", header: #"{"\u12g4":1}"#),
        Case("half a surrogate pair", header: #"{"\ud83d":1}"#),
        Case("half a surrogate pair", header: #"{"\ud83d\u0041":1}"#),
        Case("half a surrogate pair", header: #"{"\ude00":1}"#),
        Case("`1` instead of an object", header: #"{"__metadata__":1}"#),
        Case("`1` instead of a string", header: #"{"__metadata__":{"a":1}}"#),
        Case("the name `a` occurs twice", header: #"{"__metadata__":{"a":"1","a":"2"}}"#),
    ]

    static let entries = [
        Case("tensor `x`: `3` instead of an object", entry: "3"),
        Case("tensor `x`: no `dtype`", entry: #"{"shape":[1],"data_offsets":[0,4]}"#),
        Case("tensor `x`: no `shape`", entry: #"{"dtype":"F32","data_offsets":[0,4]}"#),
        Case("tensor `x`: no `data_offsets`", entry: #"{"dtype":"F32","shape":[1]}"#),
        Case("unknown field `stride`", entry: #"{"dtype":"F32","shape":[1],"data_offsets":[0,4],"stride":[1]}"#),
        Case("occurs twice", entry: #"{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}"#),
        Case("takes 3 bytes, but", entry: #"{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,4]}"#),
        Case("takes 5 bytes, but", entry: #"{"dtype":"F4","shape":[9],"data_offsets":[0,4]}"#),
        Case(
            "a shape too large", entry: #"{"dtype":"C64","shape":[4611686018427387904],"data_offsets":[0,4]}"#),
        Case(
            "a shape too large", entry: #"{"dtype":"LATER","shape":[4611686018427387904,4],"data_offsets":[0,4]}"#),
        Case("instead of a string", entry: #"{"dtype":5,"shape":[1],"data_offsets":[0,4]}"#),
        Case("a number is negative", entry: #"{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#),
        Case("a number is no integer", entry: #"{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}"#),
        Case("a number is no integer", entry: #"{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}"#),
        Case("a number starts with 0", entry: #"{"dtype":"F32","shape":[01],"data_offsets":[0,4]}"#),
        Case("a number is too large", entry: #"{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}"#),
        Case("instead of a number", entry: #"{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}"#),
        Case("instead of an array", entry: #"{"dtype":"F32","shape":1,"data_offsets":[0,4]}"#),
        Case(
            "a shape too large", entry: #"{"dtype":"F32","shape":[4611686018427387904,2],"data_offsets":[0,4]}"#),
        Case(
            "a shape too large",
            entry: #"{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0]}"#, data: 0
        ),
        Case(
            "more than 64 numbers",
            entry:
                #"{"dtype":"F32","shape":[\#(Array(repeating: "1", count: 65).joined(separator: ","))],"data_offsets":[0,4]}"#
        ),
        Case("are no range", entry: #"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#),
        Case("are no range", entry: #"{"dtype":"F32","shape":[1],"data_offsets":[4]}"#),
        Case("more than 2 numbers", entry: #"{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}"#),
        Case("takes 8 bytes, but", entry: #"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#),
    ]

    static let coverage = [
        Case(
            "ends at byte 8 of the data, which has 4", entry: #"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
            hint: "cut short"),
        Case("bytes 0 to 4 of the data", entry: #"{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#, data: 8),
        Case("the last 4 bytes of the file", entry: #"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, data: 8),
        Case("the last 1 bytes of the file", header: "{}", data: 1),
        Case(
            "tensor `b` overlaps",
            header: two(
                #""a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}"#,
                #""b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}"#),
            data: 4),
        Case(
            "overlaps another one at byte 0",
            header: two(
                #""a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}"#,
                #""b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}"#),
            data: 4),
        Case(
            "the name `a` occurs twice",
            header: two(
                #""a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}"#,
                #""a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}"#),
            data: 4),
        Case(
            "before tensor `b`, belong to no tensor",
            header: two(
                #""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#,
                #""b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}"#),
            data: 4),
    ]

    private static func two(_ first: String, _ second: String) -> String { "{\(first),\(second)}" }
}
