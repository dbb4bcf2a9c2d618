import SelMix

/// One resolved job: what the job file says, with every default filled in and every path absolute.
///
/// ``JobFile`` makes one from YAML and checks it; nothing else does. From then on a job is a plain value: the coordinator
/// hands it to the workers as JSON, checkpoints and reports carry it, and ``configurationJSON`` identifies the run. What a
/// setting means, and in which unit, is said where it is declared; its default is its initial value there, and nowhere
/// else. Names are those of the job file.
public struct Job: Sendable, Codable, Equatable {
    /// What people call the run: by default the job file's base name without its extension.
    public var name: String
    /// The key of every random number of the run.
    public var seed: UInt64 = 0
    public var data: DataFiles
    public var head: HeadFiles
    /// What is maximised. A parameter that is nil has the objective's own default.
    public var objective: ObjectiveSettings
    public var selmix = SelMixSettings()
    public var loss = LossSettings()
    public var optimizer = OptimizerSettings()
    /// B: samples of one step over the whole cluster; a multiple of ``ClusterSettings/shards``.
    public var batch = 64
    public var cluster = ClusterSettings()
    public var checkpoints = CheckpointSettings()
    /// What the event log tells about each step.
    public var trace = Trace.steps
    /// Whether the report compares with what a practitioner would try first.
    public var baselines = false
    /// Whether the run writes event files for TensorBoard.
    public var tensorBoard = true
    /// The absolute path of the folder that the run writes to.
    public var output: String

    /// A job with the default of every setting that has one.
    public init(name: String, data: DataFiles, head: HeadFiles, objective: ObjectiveSettings, output: String) {
        (self.name, self.data, self.head) = (name, data, head)
        (self.objective, self.output) = (objective, output)
    }
}
