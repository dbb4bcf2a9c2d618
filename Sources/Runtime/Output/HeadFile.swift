import SelMix
import Training

/// A linear head as a .safetensors file: `weight` [K, d] and `bias` [K] in float32, as torch.nn.Linear has them.
enum HeadFile {
    static func write(_ head: Parameters, objective: String? = nil, to path: String) throws {
        var metadata = ["format": "pt", "selmix": Version.current]
        metadata["objective"] = objective
        try SafetensorsWriter.write(
            head.layout.entries.map {
                TensorContent(
                    name: $0.name, dataType: .float32, shape: $0.shape,
                    bytes: UnsafeRawBufferPointer(head.values(of: $0)))
            }, metadata: metadata, to: path)
    }
}
