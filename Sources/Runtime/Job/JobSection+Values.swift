import Common

/// The kinds of value that settings have. Each reader takes the default, which is what a key that is not
/// set gives.
extension JobSection {
    func whole<Value: FixedWidthInteger & Sendable>(
        _ key: String, or standard: Value, _ allowed: Allowed<Value>
    ) throws -> Value {
        guard let node = value(key) else { return standard }
        guard case .scalar(let text, isPlain: true) = node.content, text.isWholeNumber else {
            throw wrongType(key, node, "a whole number")
        }
        // Digits that do not fit are a whole number all the same, and outside what is allowed.
        guard let number = Value(text.filter { $0 != "_" }), allowed.contains(number) else {
            throw outOfRange(key, node, allowed.text)
        }
        return number
    }

    func number(_ key: String, or standard: Double, _ allowed: Allowed<Double>) throws -> Double {
        guard let node = value(key) else { return standard }
        guard case .scalar(let text, isPlain: true) = node.content, let number = text.decimal else {
            throw wrongType(key, node, "a number")
        }
        guard allowed.contains(number) else { throw outOfRange(key, node, allowed.text) }
        return number
    }

    /// A time in seconds, written as `2s`, `500ms`, `1m` or a plain number of seconds.
    func seconds(_ key: String, or standard: Double, from lower: Double, to upper: Double) throws -> Double {
        guard let node = value(key) else { return standard }
        guard case .scalar(let text, _) = node.content, let time = text.seconds else {
            throw wrongType(key, node, "a time such as `2s`, `500ms` or `1m`")
        }
        guard lower...upper ~= time else {
            throw outOfRange(key, node, "from \(lower) to \(upper) seconds")
        }
        return time
    }

    /// Text of at least one character, quoted or not; nil where it is not set.
    func text(_ key: String) throws -> String? {
        guard let node = value(key) else { return nil }
        guard case .scalar(let text, _) = node.content, !text.isEmpty else {
            throw wrongType(key, node, "text")
        }
        return text
    }

    func text(_ key: String, required example: String) throws -> String {
        guard let text = try text(key) else { throw missing(key, example: example) }
        return text
    }

    /// One of the names of an enumeration.
    func choice<Value: RawRepresentable<String> & CaseIterable>(_ key: String, or standard: Value) throws -> Value {
        guard let node = value(key) else { return standard }
        let names = Value.allCases.map(\.rawValue)
        guard case .scalar(let text, _) = node.content, let value = Value(rawValue: text) else {
            let list = "\(names.dropLast().joined(separator: ", ")) or \(names[names.count - 1])"
            var error = wrongType(key, node, list)
            if case .scalar(let text, _) = node.content, let nearest = Suggestion.nearest(to: text, among: names) {
                error.hint = "did you mean `\(nearest)`?"
            }
            throw error
        }
        return value
    }

    /// true or false.
    func flag(_ key: String, or standard: Bool) throws -> Bool {
        guard let node = value(key) else { return standard }
        guard case .scalar(let text, isPlain: true) = node.content, let flag = Bool(text) else {
            throw wrongType(key, node, "true or false")
        }
        return flag
    }

    /// A list of whole numbers from 0, such as class indices; nil where it is not set.
    func wholes(_ key: String) throws -> [Int]? {
        guard let node = value(key) else { return nil }
        guard let numbers = node.wholes else { throw wrongType(key, node, "a list of class indices such as `[0, 1]`") }
        return numbers
    }

    /// A list of lists of class indices; nil where it is not set.
    func groups(_ key: String) throws -> [[Int]]? {
        guard let node = value(key) else { return nil }
        guard case .list(let items) = node.content else {
            throw wrongType(key, node, "a list of groups such as `[[0, 1], [2, 3, 4]]`")
        }
        return try items.map { item in
            guard let numbers = item.wholes else {
                throw item.origin.error(
                    "a group of `\(path(of: key))` must be a list of class indices such as `[0, 1]`")
            }
            return numbers
        }
    }

    /// A required path, made absolute by `resolve`, whose errors get the line.
    func path(_ key: String, required: String, _ resolve: (String) throws -> String) throws -> String {
        guard let path = try path(key, resolve) else { throw missing(key, example: required) }
        return path
    }

    /// The same, of a key that may be left out; nil then.
    func path<Value>(_ key: String, _ resolve: (String) throws -> Value) throws -> Value? {
        guard let text = try text(key) else { return nil }
        do {
            return try resolve(text)
        } catch let error as SelMixError {
            throw origin(of: key).error(error.message, hint: error.hint)
        }
    }

    /// `[low, high]` with 0 <= low <= high <= 1.
    func fractions(_ key: String, or standard: ClosedRange<Double>) throws -> ClosedRange<Double> {
        guard let node = value(key) else { return standard }
        guard case .list(let items) = node.content else {
            throw wrongType(key, node, "two numbers such as `[0.6, 1.0]`")
        }
        let numbers = items.compactMap { item in
            if case .scalar(let text, isPlain: true) = item.content { text.decimal } else { nil }
        }
        guard items.count == 2, numbers.count == 2 else {
            throw node.origin.error("`\(path(of: key))` must be two numbers such as `[0.6, 1.0]`")
        }
        guard 0 <= numbers[0], numbers[0] <= numbers[1], numbers[1] <= 1 else {
            throw node.origin.error(
                "`\(path(of: key))` is [\(numbers[0]), \(numbers[1])]",
                hint: "it must be [low, high] with 0 <= low <= high <= 1")
        }
        return numbers[0]...numbers[1]
    }

    private func wrongType(_ key: String, _ node: JobNode, _ wanted: String) -> SelMixError {
        node.origin.error("`\(path(of: key))` must be \(wanted), not \(node.described)")
    }

    private func outOfRange(_ key: String, _ node: JobNode, _ allowed: String) -> SelMixError {
        guard case .scalar(let text, _) = node.content else { preconditionFailure("no number: \(node)") }
        return node.origin.error("`\(path(of: key))` is \(text)", hint: "it must be \(allowed)")
    }
}

extension JobNode {
    /// A list of whole numbers from 0, if that is what stands here.
    fileprivate var wholes: [Int]? {
        guard case .list(let items) = content else { return nil }
        let numbers = items.compactMap { item -> Int? in
            if case .scalar(let text, isPlain: true) = item.content, text.isWholeNumber { Int(text) } else { nil }
        }
        return numbers.count == items.count && numbers.allSatisfy { $0 >= 0 } ? numbers : nil
    }
}
