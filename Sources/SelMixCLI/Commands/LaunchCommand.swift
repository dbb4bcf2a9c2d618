import ArgumentParser
import Common
import Foundation
import Runtime

struct LaunchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch", abstract: "A whole run across machines, over ssh or under Slurm.",
        discussion: """
            Leads the run from here and starts workers on the hosts. Every host is checked before anything starts. Workers that \
            are lost are started again, and none outlives this program. With --slurm, outside of an allocation, a batch \
            script is submitted that does this in one.
            """)

    @OptionGroup var job: JobOptions
    @OptionGroup(title: "Hosts over ssh") var hosts: HostOptions
    @OptionGroup(title: "Slurm") var slurm: SlurmOptions
    @Option(help: "Where to listen: tcp://ADDRESS:PORT; by default at the address that the hosts see, on a free port.")
    var bind: String?
    @Option(help: "The path of selmix on the hosts; by default the same as here.")
    var program: String?
    @Flag(
        help: "Encrypt nothing: whoever reaches the port can read and change the run. Otherwise keys are made for it.")
    var insecure = false
    @Flag(help: "Check the hosts, show what they are, and end.")
    var check = false
    @Flag(help: "Go on with an unfinished run in the output directory, if there is one.")
    var resume = false
    @OptionGroup var monitor: MonitorOptions
    @OptionGroup var logging: LogOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard slurm.slurm || hosts.areGiven else {
            throw ValidationError("name the hosts with --hosts FILE or --host HOST, or use --slurm")
        }
        if slurm.slurm, hosts.areGiven {
            throw ValidationError("--slurm brings its own hosts; leave out --hosts and --host")
        }
        if slurm.slurm, hosts.ship {
            throw ValidationError("--ship is for ssh; under Slurm selmix lies on a shared disk")
        }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let log = logging.logger("selmix")
        let allocation = slurm.slurm && !slurm.dryRun ? try await SlurmAllocation.current(environment) : nil
        if slurm.slurm, allocation == nil {
            try await submit()
            return
        }
        let prepared = try PreparedRun(job.load())
        let own = try OwnProgram.path()
        let launch = ClusterLaunch(
            .init(
                hosts: try allocation?.hosts ?? hosts.load(),
                transport: allocation.map { .slurm($0) } ?? .ssh(hosts.settings),
                program: own, remoteProgram: program, ships: hosts.ship, bind: bind, isInsecure: insecure,
                display: logging.display(quiet: output.quiet, log), resumes: resume, http: try monitor.options()))
        if check {
            let statuses = try await launch.check(prepared)
            print(output.json ? try JSONText.of(statuses) : HostTable.text(statuses))
            if statuses.contains(where: { !$0.problems.isEmpty }) { throw ExitCode(4) }
            return
        }
        let report = try await launch(prepared, log: log)
        try ResultOutput.show(report, directory: prepared.job.output, options: output)
    }

    /// Everything that can be found wrong here is, before the job waits in a queue.
    private func submit() async throws {
        let prepared = try PreparedRun(job.load())
        var arguments = [URL(fileURLWithPath: job.job).path, "--slurm", "--resume"]
        for override in job.overrides { arguments += ["--set", override] }
        // Where the output is must not depend on where the batch script runs.
        arguments += ["--set", "output=\(prepared.job.output)"]
        if let bind { arguments += ["--bind", bind] }
        if insecure { arguments.append("--insecure") }
        if logging.logFormat == .json { arguments += ["--log-format", "json"] }
        if let program { arguments += ["--program", program] }
        let script = try slurm.script(
            name: prepared.job.name, program: program ?? OwnProgram.path(), arguments: arguments,
            shards: prepared.job.cluster.shards, output: prepared.job.output)
        if slurm.dryRun {
            print(script.text, terminator: "")
            return
        }
        let path = prepared.job.output + ".sbatch"
        do {
            try FileManager.default.createDirectory(
                atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
            try script.text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw SelMixError(
                .failed, "the batch script \(path) cannot be written", hint: "choose another `output`",
                cause: error.localizedDescription)
        }
        let number = try await script.submit(from: path)
        if output.json {
            print(try JSONText.of(["job": number, "script": path, "log": script.log(ofJob: number)]))
        } else {
            print("job     \(number)")
            print("script  \(ResultOutput.shownPath(path))")
            print("log     \(ResultOutput.shownPath(script.log(ofJob: number)))")
        }
    }
}
