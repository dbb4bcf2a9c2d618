import Common

/// Text in Prometheus' exposition format, family by family.
struct MetricsPage {
    private(set) var text = ""

    /// A gauge without labels; left out while its value is not known.
    mutating func gauge(_ name: String, _ help: String, _ value: Double?) {
        if let value { gauge(name, help, [([:], value)]) }
    }

    mutating func gauge(_ name: String, _ help: String, _ samples: [([String: String], Double)]) {
        add(name, help, "gauge", samples)
    }

    mutating func counter(_ name: String, _ help: String, _ samples: [([String: String], Double)]) {
        add(name, help, "counter", samples)
    }

    /// Quantiles, by the label `quantile`.
    mutating func summary(_ name: String, _ help: String, _ samples: [([String: String], Double)]) {
        add(name, help, "summary", samples)
    }

    private mutating func add(_ name: String, _ help: String, _ type: String, _ samples: [([String: String], Double)]) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for (labels, value) in samples {
            let told = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
            text += name + (told.isEmpty ? "" : "{\(told.joined(separator: ","))}") + " \(Self.number(value))\n"
        }
    }

    private static func escaped(_ text: String) -> String {
        text.printable.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? "\(Int(saturating: value))" : "\(value)"
    }
}
