import Common
import Testing

@testable import Coordination

@Suite struct WorkerSessionTests {
    private let runID = RunID(high: 1, low: 2)
    private let welcome = Welcome(
        instructionSet: "avx512", heartbeatInterval: .milliseconds(400), orphanTimeout: .seconds(60), shards: 4)

    private func session() throws -> WorkerSession {
        WorkerSession(
            .init(
                name: "w1", hello: CoordinatorDriver.hello,
                timing: try Timing(failureTimeout: .seconds(2), orphanTimeout: .seconds(60)), seed: 1))
    }

    private func header(_ session: WorkerSession, epoch: UInt64 = 1) -> Header {
        Header(runID: runID, epoch: Epoch(rawValue: epoch), worker: "", incarnation: session.incarnation)
    }

    /// A session that holds weights 0 and waits for work.
    private func ready() throws -> WorkerSession {
        var session = try session()
        _ = session.step(.started, at: .origin)
        _ = session.step(.received(.welcome(welcome), header(session)), at: .origin)
        _ = session.step(.loaded(probe: CoordinatorDriver.probe), at: .origin)
        let weights = CoordinatorMessage.weights(WeightsVersion(0), Digest(rawValue: 0), passedOn: false)
        _ = session.step(.received(weights, header(session)), at: .origin)
        return session
    }

    private func assignment(_ number: UInt64, weights: Int = 0) -> Assignment {
        Assignment(
            number: number, work: .train(StepIndex(weights)), weights: WeightsVersion(weights),
            selection: Digest(rawValue: 1), shards: [ShardID(0)])
    }

    @Test func saysHelloUntilItIsWelcomed() throws {
        var session = try session()
        #expect(session.step(.started, at: .origin).count == 2)
        #expect(session.nextDeadline == .origin + .milliseconds(500))
        let again = session.step(.tick(blocks: 0), at: .origin + .milliseconds(500))
        #expect(again == [.send(.hello(CoordinatorDriver.hello))])
        #expect(session.step(.received(.welcome(welcome), header(session)), at: .origin) == [.load(welcome)])
        // A second welcome is only a late one.
        #expect(session.step(.received(.welcome(welcome), header(session)), at: .origin).isEmpty)
    }

    @Test func computesOneAfterTheOther() throws {
        var session = try ready()
        #expect(
            session.step(.received(.assign(assignment(1)), header(session)), at: .origin) == [.compute(assignment(1))])
        #expect(session.step(.received(.assign(assignment(2)), header(session)), at: .origin).isEmpty)
        #expect(session.step(.received(.assign(assignment(1)), header(session)), at: .origin).isEmpty, "a repeat")
        #expect(session.step(.assignmentDone(1), at: .origin) == [.compute(assignment(2))])
        #expect(session.step(.assignmentDone(2), at: .origin).isEmpty)
    }

    private let group = ReductionGroup(members: [
        .init(life: Incarnation(rawValue: 1), address: "a"), .init(life: Incarnation(rawValue: 2), address: "b"),
    ])

    private func groupAssignment(_ number: UInt64, weights: Int = 0) -> Assignment {
        let plain = assignment(number, weights: weights)
        return Assignment(
            number: number, work: plain.work, weights: plain.weights, selection: plain.selection, shards: plain.shards,
            group: group)
    }

    private func assign(_ assignment: Assignment, _ session: inout WorkerSession) -> [WorkerDirective] {
        session.step(.received(.assign(assignment), header(session)), at: .origin)
    }

    @Test func handsInWhatItIsComputingForAGroupThatIsGivenUp() throws {
        var session = try ready()
        #expect(assign(groupAssignment(1), &session) == [.compute(groupAssignment(1))])
        #expect(assign(groupAssignment(1), &session).isEmpty, "a repeat")
        #expect(assign(assignment(1), &session) == [.handIn(1)])
        #expect(assign(assignment(1), &session).isEmpty, "it goes on with it")
        #expect(session.step(.assignmentDone(1), at: .origin).isEmpty)
        #expect(assign(assignment(1), &session) == [.handIn(1)], "the answer was lost")
    }

    @Test func handsInWhatItHasComputedForAGroupThatIsGivenUp() throws {
        var session = try ready()
        _ = assign(groupAssignment(1), &session)
        _ = session.step(.assignmentDone(1), at: .origin)
        #expect(assign(assignment(1), &session) == [.handIn(1)])
        #expect(assign(assignment(1), &session) == [.handIn(1)])
    }

    @Test func whatIsNotBegunWhenAGroupIsGivenUpIsComputedForTheCoordinator() throws {
        var session = try ready()
        _ = assign(groupAssignment(1), &session)
        _ = assign(groupAssignment(2), &session)
        #expect(assign(assignment(2), &session).isEmpty)
        #expect(session.step(.assignmentDone(1), at: .origin) == [.compute(assignment(2))])
        _ = session.step(.assignmentDone(2), at: .origin)
        #expect(assign(assignment(2), &session) == [.compute(assignment(2))], "the shell has kept nothing")
    }

    @Test func handsNothingInUnderNewWeights() throws {
        var session = try ready()
        _ = assign(groupAssignment(1), &session)
        _ = session.step(.assignmentDone(1), at: .origin)
        let weights = CoordinatorMessage.weights(WeightsVersion(1), Digest(rawValue: 0), passedOn: true)
        _ = session.step(.received(weights, header(session)), at: .origin)
        #expect(assign(assignment(1), &session).isEmpty)
        // A number of another coordinator's, as it were: nothing is kept of it.
        #expect(assign(assignment(1, weights: 1), &session) == [.compute(assignment(1, weights: 1))])
    }

    @Test func tellsWhereOthersReachIt() throws {
        var session = try session()
        _ = session.step(.started, at: .origin)
        _ = session.step(.received(.welcome(welcome), header(session)), at: .origin)
        #expect(session.step(.listening(peerAddress: "tcp://here"), at: .origin).isEmpty)
        let told = session.step(.loaded(probe: CoordinatorDriver.probe), at: .origin)
        guard case .send(.heartbeat(let heartbeat))? = told.first else {
            Issue.record("no heartbeat")
            return
        }
        #expect(heartbeat.peerAddress == "tcp://here")
    }

    @Test func anAssignmentWithoutItsWeightsIsNotTaken() throws {
        var session = try ready()
        #expect(session.step(.received(.assign(assignment(1, weights: 1)), header(session)), at: .origin).isEmpty)
    }

    @Test func workForReplacedWeightsIsForgotten() throws {
        var session = try ready()
        _ = session.step(.received(.assign(assignment(1)), header(session)), at: .origin)
        _ = session.step(.received(.assign(assignment(2)), header(session)), at: .origin)
        let weights = CoordinatorMessage.weights(WeightsVersion(1), Digest(rawValue: 0), passedOn: false)
        _ = session.step(.received(weights, header(session)), at: .origin)
        _ = session.step(.received(.assign(assignment(3, weights: 1)), header(session)), at: .origin)
        #expect(session.step(.assignmentDone(1), at: .origin) == [.compute(assignment(3, weights: 1))])
    }

    @Test func comesBackAsANewLife() throws {
        var session = try ready()
        let before = session.header
        _ = session.step(.received(.assign(assignment(1)), header(session)), at: .origin)
        let rejoined = session.step(.received(.rejoin(reason: ""), header(session)), at: .origin)
        #expect(rejoined.prefix(2) == [.reset, .connect(session.incarnation)])
        #expect(session.incarnation != before.incarnation)
        // To the earlier life: not for this one.
        #expect(session.step(.received(.rejoin(reason: ""), before), at: .origin).isEmpty)
        // The data are loaded already.
        let again = session.step(.received(.welcome(welcome), header(session, epoch: 2)), at: .origin)
        #expect(session.phase == .ready(probe: CoordinatorDriver.probe))
        guard case .send(.heartbeat(let heartbeat))? = again.first else {
            Issue.record("no heartbeat")
            return
        }
        #expect(heartbeat.holding.isEmpty && heartbeat.weights == nil)
    }

    @Test func whoIsLeavingDoesNotComeBack() throws {
        var session = try ready()
        #expect(session.step(.stopRequested(reason: "told to"), at: .origin) == [.send(.leaving(reason: "told to"))])
        let gone = session.step(.received(.rejoin(reason: ""), header(session)), at: .origin)
        #expect(gone == [.exit(.released(reason: "told to"))])
    }

    @Test func anEarlierEpochIsNotHeard() throws {
        var session = try session()
        _ = session.step(.started, at: .origin)
        _ = session.step(.received(.welcome(welcome), header(session, epoch: 2)), at: .origin)
        #expect(session.step(.received(.rejoin(reason: ""), header(session, epoch: 1)), at: .origin).isEmpty)
    }

    @Test func leavesWhenNothingIsHeard() throws {
        var session = try ready()
        let late = session.step(.tick(blocks: 0), at: .origin + .seconds(60))
        guard case .exit(.failed(let error))? = late.first else {
            Issue.record("it stays")
            return
        }
        #expect(error.code == .cluster)
        #expect(session.nextDeadline == nil)
    }
}
