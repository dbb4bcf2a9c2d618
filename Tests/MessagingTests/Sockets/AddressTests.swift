import Common
import Coordination
import Messaging
import Testing

/// What is wrong with an address is told to whoever can mend it.
@Suite(.timeLimit(.minutes(2))) struct AddressTests {
    private static func socket(_ role: Socket.Role, _ loopback: Loopback) throws -> Socket {
        try Socket(role, context: loopback.context, options: .init(longestFrame: 1 << 20, queueLength: 10))
    }

    @Test func aFreePortIsPickedAndTold() throws {
        let loopback = try Loopback(.tcp)
        let addresses = try (0..<3).map { _ in try Self.socket(.router, loopback).bind("tcp://127.0.0.1:*") }
        for address in addresses {
            let port = try #require(Int(address.dropFirst("tcp://127.0.0.1:".count)))
            #expect(address.hasPrefix("tcp://127.0.0.1:") && (1...65535).contains(port))
        }
    }

    @Test func aLocalAddressIsToldAsItIs() throws {
        let loopback = try Loopback(.ipc)
        let address = "ipc://\(loopback.directory)/x"
        #expect(try Self.socket(.router, loopback).bind(address) == address)
    }

    @Test func anAddressInUse() throws {
        let loopback = try Loopback(.tcp)
        let (router, address) = try loopback.router()
        let error = #expect(throws: SelMixError.self) { try Self.socket(.router, loopback).bind(address) }
        #expect(error?.code == .cluster)
        #expect(error?.message == "the address \(address) is in use")
        #expect(error?.hint == "another coordinator may be running there; choose another port with --bind")
        #expect(error?.cause == "Address already in use")
        // The one that was there first goes on.
        let dealer = try loopback.dealer(.first, to: address)
        try dealer.sendWhenPossible(numbered(1, from: .first))
        #expect(try router.nextPacket(WorkerMessage.self).number == 1)
    }

    @Test(arguments: [
        "", "nonsense", "tcp://999.1.1.1:7200", "tcp://no.such.interface:7200", "tcp://:7200", "tcp://[::1:7200",
        "ftp://127.0.0.1:7200", "ipc://", "ipc:///no/such/directory/socket",
    ]) func addressesThatCannotBeListenedOn(address: String) throws {
        let loopback = try Loopback(.tcp)
        let error = #expect(throws: SelMixError.self) { try Self.socket(.router, loopback).bind(address) }
        #expect(error?.code == .cluster)
        #expect(error?.message.hasPrefix("cannot listen on \(address)") == true)
        #expect(error?.hint?.hasPrefix("use an address or an interface of this machine") == true)
        #expect(error?.cause?.isEmpty == false && error?.cause != "Success")
    }

    @Test func aPathThatIsTooLong() throws {
        let loopback = try Loopback(.ipc)
        let address = "ipc://\(loopback.directory)/\(String(repeating: "x", count: 120))"
        let listening = #expect(throws: SelMixError.self) { try Self.socket(.router, loopback).bind(address) }
        #expect(listening?.code == .cluster && listening?.cause == "File name too long")
        let connecting = #expect(throws: SelMixError.self) { try loopback.dealer(.first, to: address) }
        #expect(connecting?.code == .usage && connecting?.cause == "File name too long")
    }

    @Test(arguments: ["", "nonsense", "ftp://127.0.0.1:7200"])
    func addressesThatCannotBeConnectedTo(address: String) throws {
        let loopback = try Loopback(.tcp)
        let error = #expect(throws: SelMixError.self) { try loopback.dealer(.first, to: address) }
        #expect(error?.code == .usage)
        #expect(error?.message == "cannot connect to \(address)")
        #expect(error?.hint == "an address looks like tcp://host:7200 or ipc:///run/user/1000/selmix")
        #expect(error?.cause?.isEmpty == false && error?.cause != "Success")
    }

    @Test(arguments: [
        "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:x", "tcp://127.0.0.1:72x",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:-1", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:99999", "tcp://[::1]",
    ]) func addressesWithoutAPort(address: String) throws {
        let loopback = try Loopback(.tcp)
        let errors = [
            #expect(throws: SelMixError.self) { try Self.socket(.router, loopback).bind(address) },
            #expect(throws: SelMixError.self) { try loopback.dealer(.first, to: address) },
        ]
        for error in errors {
            #expect(error?.code == .usage)
            #expect(error?.message == "the address \(address) has no port from 1 to 65535")
            #expect(error?.hint != nil)
        }
    }
}
