import Foundation
import Testing

/// What asks a run to stop: it leaves its best head, its report and a checkpoint, whichever signal it was.
@Suite struct SignalTests {
    @Test(arguments: [("SIGTERM", SIGTERM), ("SIGHUP", SIGHUP), ("SIGUSR1", SIGUSR1), ("SIGINT", SIGINT)])
    func aRunStopsInOrder(name: String, number: Int32) throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2))
        try eventually("step 100") { run.lastStep >= 100 }
        train.send(number)
        #expect(train.waitForExit() == 130)
        #expect(train.errors.contains("error: the run was interrupted (\(name))"), "\(train.errors)")
        #expect(run.exists("head.safetensors") && run.exists("report.html"))
        #expect(try run.json("report.json")["outcome"] as? String == "interrupted")
    }

    /// A terminal that closes sends SIGHUP more than once, and `timeout` SIGTERM twice, all while results are written.
    @Test(arguments: [SIGHUP, SIGTERM])
    func aSignalThatIsRepeatedCostsNoResults(number: Int32) throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2))
        try eventually("step 100") { run.lastStep >= 100 }
        while train.isRunning {
            train.send(number)
            usleep(500)
        }
        #expect(train.waitForExit() == 130)
        #expect(run.exists("head.safetensors") && run.exists("report.json"))
    }

    /// nohup starts a program with SIGHUP ignored, and the run goes on when its terminal is gone.
    @Test func nohupKeepsItsPromise() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(
            ["-c", "trap '' HUP USR1; exec \"$@\"", "bash", Program.path] + endlessJob(output: run.path, workers: 2),
            program: "/bin/bash")
        try eventually("step 50") { run.lastStep >= 50 }
        train.send(SIGHUP)
        train.send(SIGUSR1)
        let step = run.lastStep
        try eventually("more steps") { run.lastStep > step + 100 }
        train.send(SIGTERM)
        #expect(train.waitForExit() == 130)
        #expect(train.errors.contains("interrupted (SIGTERM)"), "\(train.errors)")
    }

    /// A worker whose terminal goes away hands over what it holds, as for SIGTERM.
    @Test(arguments: [SIGHUP, SIGUSR1])
    func aWorkerHandsOver(number: Int32) throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2))
        try eventually("step 50") { run.lastStep >= 50 }
        kill(try #require(run.workers["local-2"]), number)
        try eventually("the worker's leave") { !run.events("worker-left").isEmpty }
        #expect(run.events("worker-lost").isEmpty)
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }
}
