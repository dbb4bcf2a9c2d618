import Common
import Coordination

// What workers that sum among themselves cut gradients and weights into. A piece keeps its lanes; the others are zero.

extension Model {
    func piece(_ index: Int, of values: Parameters) -> Parameters {
        values.replacing(with: Parameters.zero, where: .!lanes(of: index))
    }

    /// All pieces together.
    func assembled(_ pieces: [Int: Parameters]) -> Parameters {
        pieces.reduce(into: Parameters.zero) { $0.replace(with: $1.value, where: lanes(of: $1.key)) }
    }

    func digest(ofPiece index: Int, _ piece: Parameters) -> Digest {
        Digest(rawValue: Self.hash((0..<4).filter { lanes(of: index)[$0] }.map { UInt64(piece[$0].bitPattern) }))
    }

    func pieceDigests(of gradient: Parameters) -> [Digest] { (0..<pieces).map { digest(ofPiece: $0, gradient) } }

    /// What a contribution announces: the same whoever is to sum it.
    func digest(of tensors: Tensors) -> Digest {
        guard pieces > 0, case .gradient(let sum) = tensors else { return tensors.digest }
        return digest(ofPieces: pieceDigests(of: sum.gradient), loss: sum.loss)
    }

    func digest(ofPieces pieces: [Digest], loss: Double) -> Digest {
        Digest(rawValue: Self.hash(pieces.map(\.rawValue) + [loss.bitPattern]))
    }

    private func lanes(of index: Int) -> SIMDMask<SIMD4<Int32>> {
        var mask = SIMDMask<SIMD4<Int32>>(repeating: false)
        for lane in 0..<4 { mask[lane] = lane % pieces == index }
        return mask
    }
}
