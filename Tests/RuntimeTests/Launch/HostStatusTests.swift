import Testing

@testable import Runtime

@Suite struct HostStatusTests {
    private func facts(version: String = Version.current, clock: Double = 1000) -> HostFacts {
        HostFacts(
            version: version, matrixLibrary: "2.6.0", bestInstructionSet: "avx2", host: "node", processID: 1, cores: 4,
            clock: clock, launcherAddress: nil)
    }

    private func status(_ facts: HostFacts, _ findings: HostFindings?, library: String = "2.6.0", fetches: Bool = false)
        -> HostStatus
    {
        var status = HostStatus(host: "node")
        status.take(facts, now: 1000)
        if let findings {
            status.take(findings, instructionSet: "avx512_core", libraryHere: library, probe: 7, fetches: fetches)
        }
        return status
    }

    private let good = HostFindings(hasInstructionSet: true, probe: 7, data: [], network: [], disk: nil)

    @Test func aHostLikeThisOneIsFit() {
        #expect(status(facts(clock: 1040), good).problems.isEmpty)
        #expect(status(facts(clock: 1040), good).clockSeconds == 40)
    }

    @Test func everyProblemIsTold() {
        #expect(
            status(facts(version: "0.0.9"), nil).problems.map(\.reason) == [
                "selmix 0.0.9 is installed there, \(Version.current) here"
            ])
        #expect(status(facts(clock: 1100), nil).problems.map(\.reason) == ["its clock is 100 s ahead"])
        #expect(status(facts(clock: 0), nil).problems.map(\.reason) == ["its clock is 1000 s behind"])
        #expect(status(facts(), good, library: "3.1.0").problems.first?.reason.contains("oneDNN 2.6.0") == true)
        var findings = good
        findings.hasInstructionSet = false
        #expect(status(facts(), findings).problems.first?.reason == "it lacks the instruction set avx512_core")
        #expect(status(facts(), findings).problems.first?.hint?.contains("cluster.instructionSet: avx2") == true)
        findings = good
        findings.probe = 8
        #expect(status(facts(), findings).problems.count == 1)
        findings = good
        findings.data = ["a is missing", "b is missing"]
        findings.network = ["no way"]
        findings.disk = "full"
        #expect(status(facts(), findings).problems.map(\.reason) == ["a is missing", "b is missing", "no way", "full"])
        let fetching = status(facts(), findings, fetches: true)
        #expect(fetching.problems.map(\.reason) == ["no way", "full"] && fetching.notes.count == 2)
    }

    @Test func tablesNameEveryHost() {
        var bad = HostStatus(host: "a-long-name")
        bad.add("it does not answer", hint: "look there")
        let good = status(facts(), self.good)
        let text = HostTable.text([good, bad])
        #expect(text.split(separator: "\n").count == 3 && text.contains("it does not answer"))
        #expect(
            HostTable.problems([bad]) == """
                host         what is wrong
                a-long-name  it does not answer
                               look there

                """)
    }
}
