extension String {
    /// A name from a file as messages show it: in backquotes, cut when long, and without what a terminal would act upon.
    var quoted: String {
        let limit = 250
        let shown = unicodeScalars.prefix(limit).map { scalar in
            scalar.properties.generalCategory == .control ? "\u{fffd}" : String(scalar)
        }
        return "`\(shown.joined())\(unicodeScalars.count > limit ? "…" : "")`"
    }
}
