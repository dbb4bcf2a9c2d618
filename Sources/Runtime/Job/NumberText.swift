/// Numbers as YAML writes them. Swift's own reading takes more (`nan`, `0x1p3`) and less (`1_000`).
extension String {
    /// Digits, perhaps with a sign and with `_` between them.
    var isWholeNumber: Bool {
        let digits = drop { $0 == "-" || $0 == "+" }
        guard count - digits.count <= 1, digits.first?.isDigit == true else { return false }
        return digits.allSatisfy { $0.isDigit || $0 == "_" }
    }

    /// A finite number such as `3e-4`, `.5`, `1_000` or `-2`.
    var decimal: Double? {
        guard allSatisfy({ $0.isDigit || "+-._eE".contains($0) }), contains(where: \.isDigit), first != "_" else {
            return nil
        }
        return Double(filter { $0 != "_" }).flatMap { $0.isFinite ? $0 : nil }
    }

    /// The seconds of `2s`, `500ms`, `1m` or `2`.
    var seconds: Double? {
        let units: [(suffix: String, seconds: Double)] = [("ms", 1e-3), ("s", 1), ("m", 60)]
        guard let unit = units.first(where: { hasSuffix($0.suffix) }) else { return decimal }
        return String(dropLast(unit.suffix.count)).decimal.map { $0 * unit.seconds }
    }
}

extension Character {
    fileprivate var isDigit: Bool { "0"..."9" ~= self }
}
