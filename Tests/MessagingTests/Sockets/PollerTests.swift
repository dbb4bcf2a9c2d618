import Coordination
import Dispatch
import Messaging
import Synchronization
import Testing

/// A thread that waits for sockets is woken by messages, by the signal, and by time. Without a time-out a lost wake-up
/// would hang these tests, up to their limit.
@Suite(.timeLimit(.minutes(1))) struct PollerTests {
    /// Longer than any other reason to return would take by chance; only ever compared as the least time that has passed.
    private static let pause = Duration.milliseconds(30)

    private static func elapsed(_ body: () -> Void) -> Duration { ContinuousClock().measure(body) }

    @Test func aSignalRaisedBeforeIsNotLost() throws {
        let wake = try WakeSignal()
        wake.raise()
        Poller.wait([], wake: wake, timeout: nil)
        // It is taken, so the next wait lasts.
        #expect(Self.elapsed { Poller.wait([], wake: wake, timeout: Self.pause) } >= Self.pause)
    }

    @Test func manyRaisesAreOneWakeUp() throws {
        let wake = try WakeSignal()
        for _ in 0..<1000 { wake.raise() }
        Poller.wait([], wake: wake, timeout: nil)
        #expect(Self.elapsed { Poller.wait([], wake: wake, timeout: Self.pause) } >= Self.pause)
    }

    @Test func anotherThreadWakes() throws {
        let loopback = try Loopback(.ipc)
        let (router, _) = try loopback.router()
        let wake = try WakeSignal()
        let count = Atomic<Int>(0)
        let thread = DispatchQueue(label: "test.wake")
        withExtendedLifetime(router) {
            for number in 1...200 {
                thread.async {
                    count.store(number, ordering: .releasing)
                    wake.raise()
                }
                while count.load(ordering: .acquiring) < number { Poller.wait([router], wake: wake, timeout: nil) }
            }
        }
    }

    @Test func aMessageWakes() throws {
        let loopback = try Loopback(.tcp)
        let (router, address) = try loopback.router()
        let dealer = try loopback.dealer(.first, to: address)
        let wake = try WakeSignal()
        try dealer.sendWhenPossible(numbered(0, from: .first))
        for number in 1...50 {
            var received: Socket.Received<WorkerMessage>?
            while received == nil {
                Poller.wait([router, dealer], wake: wake, timeout: nil)
                received = router.receive()
            }
            guard case .packet(let packet) = received else { throw Socket.NoPacket() }
            #expect(packet.number == number - 1)
            #expect(dealer.send(numbered(number, from: .first)) == .sent)
        }
    }

    /// A message that is there when the wait begins is seen, also if the signal was raised at the same time.
    @Test func aSignalDoesNotHideAMessage() throws {
        let loopback = try Loopback(.ipc)
        let (router, address) = try loopback.router()
        let dealer = try loopback.dealer(.first, to: address)
        let wake = try WakeSignal()
        try dealer.sendWhenPossible(numbered(1, from: .first))
        var isHeard = false
        while !isHeard {
            wake.raise()
            Poller.wait([router], wake: wake, timeout: nil)
            isHeard = router.receive(WorkerMessage.self) != nil
        }
        #expect(isHeard)
    }

    @Test(arguments: [.zero, .nanoseconds(1), .microseconds(1500), pause] as [Duration])
    func aDeadlineHasPassedWhenTheWaitEnds(timeout: Duration) throws {
        let wake = try WakeSignal()
        #expect(Self.elapsed { Poller.wait([], wake: wake, timeout: timeout) } >= timeout)
    }

    @Test func aDeadlineInThePastDoesNotWait() throws {
        Poller.wait([], wake: try WakeSignal(), timeout: .seconds(-5))
    }
}
