import Common
import Foundation
import Testing

@testable import Runtime

@Suite struct SlurmTests {
    @Test func readsTheAllocation() throws {
        let allocation = try SlurmAllocation(
            job: "7", nodes: ["n1", "n2", "n3"],
            environment: ["SLURM_TASKS_PER_NODE": "4(x2),1", "SLURM_JOB_CPUS_PER_NODE": "8(x2),2"])
        #expect(allocation.hosts.map(\.slots) == [4, 4, 1])
        #expect(allocation.cores == ["n1": 8, "n2": 8, "n3": 2])
        let command = allocation.command(on: allocation.hosts[2], ["/opt/selmix", "agent"])
        #expect(command.program == "srun" && command.arguments.suffix(2) == ["/opt/selmix", "agent"])
        #expect(command.arguments.contains("--nodelist=n3") && command.arguments.contains("--cpus-per-task=2"))
    }

    @Test(arguments: [
        "", "2", "2(x3)", "0(x2)", "x", "2(x", "2(x2", "2(x2),1", "-1,2", "2(x99999999999)", "(", "(x2)", "2(x2)x",
    ])
    func refusesWhatIsNoNumberForEachNode(text: String) {
        #expect(throws: SelMixError.self) { try SlurmAllocation.counts(text, of: "X", nodes: 2) }
    }

    /// What sbatch makes of the options, in its own words; it looks at them before it looks for a controller.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/sbatch"), "needs sbatch"))
    func sbatchReadsTheOptionsAsTheyAreMeant() throws {
        let folder = try CheckpointTests.Folder()
        let options = ["--comment=it's \"mine\" # now", "--account=lab", "--mail-user=a b\\c"]
        let log = SlurmBatchScript.logPath("/my runs/100% \"good\" #1") + "-%j.log"
        let script = SlurmBatchScript(
            name: "x", program: "/selmix", arguments: [], nodes: 1, workersPerNode: 1, coresPerWorker: 1, log: log,
            options: options)
        #expect(script.log(ofJob: "7") == "/my runs/100% \"good\" #1-7.log")
        try script.text.write(toFile: folder.path + "/x.sbatch", atomically: true, encoding: .utf8)
        try "ClusterName=none\nSlurmctldHost=localhost\nNodeName=localhost\nPartitionName=p Nodes=localhost\n".write(
            toFile: folder.path + "/slurm.conf", atomically: true, encoding: .utf8)
        let sbatch = Process()
        let said = Pipe()
        sbatch.executableURL = URL(fileURLWithPath: "/usr/bin/sbatch")
        sbatch.arguments = ["-vvvv", folder.path + "/x.sbatch"]
        sbatch.environment = ["SLURM_CONF": folder.path + "/slurm.conf"]
        (sbatch.standardError, sbatch.standardOutput) = (said, FileHandle.nullDevice)
        try sbatch.run()
        var text = ""
        // Then it waits for a controller that never answers.
        for byte in sequence(first: Data(), next: { _ in said.fileHandleForReading.availableData }) {
            text += String(decoding: byte, as: UTF8.self)
            if text.contains("mail-user=a b\\c") || (!byte.isEmpty && !sbatch.isRunning) { break }
            if byte.isEmpty, !text.isEmpty { break }
        }
        sbatch.terminate()
        sbatch.waitUntilExit()
        for option in options + ["--output=\(log)"] { #expect(text.contains("argument \"\(option)\"\n"), "\(text)") }
    }

    @Test func theBatchScriptIsOneThatBashReads() throws {
        let script = SlurmBatchScript(
            name: "a job's name", program: "/opt/my tools/selmix",
            arguments: ["/data/job.yaml", "--slurm", "--set", "selmix.temperature={absolute: 0.1}"], nodes: 2,
            workersPerNode: 4, coresPerWorker: 2, log: "/runs/x-%j.log", timeLimit: "01:00:00",
            options: ["--account=lab"])
        for line in [
            "#SBATCH --job-name=selmix-ajobsname", "#SBATCH --nodes=2", "#SBATCH --ntasks-per-node=4",
            "#SBATCH --cpus-per-task=2", "#SBATCH --requeue", "#SBATCH --signal=B:TERM@60", "#SBATCH --time=01:00:00",
            "#SBATCH --account=lab",
            "'/opt/my tools/selmix' launch /data/job.yaml --slurm --set 'selmix.temperature={absolute: 0.1}' &",
        ] {
            #expect(script.text.split(separator: "\n").contains(Substring(line)), "\(line)")
        }
        #expect(script.log(ofJob: "12") == "/runs/x-12.log")
        let bash = Process()
        bash.executableURL = URL(fileURLWithPath: "/bin/bash")
        bash.arguments = ["-n", "-c", script.text]
        try bash.run()
        bash.waitUntilExit()
        #expect(bash.terminationStatus == 0)
    }
}
