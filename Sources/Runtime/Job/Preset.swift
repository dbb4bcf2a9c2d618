/// Defaults that are chosen together; every key that a job file sets goes before them.
enum Preset: String, CaseIterable {
    /// What did best on held-out data.
    case standard
    /// What the authors' published code runs; cluster/README.md has a table of it.
    case published

    var selmix: SelMixSettings {
        var settings = SelMixSettings()
        if self == .published {
            settings.folds = 1
            settings.start = .brought
            settings.stepsPerRound = 50
            settings.temperature = .absolute(0.1)
            settings.formula = .reference
            settings.keep = .last
            settings.samplerFloor = true
        }
        return settings
    }

    var optimizer: OptimizerSettings {
        var settings = OptimizerSettings()
        if self == .published {
            settings.learningRate = 3e-4
            settings.momentum = 0
        }
        return settings
    }
}
