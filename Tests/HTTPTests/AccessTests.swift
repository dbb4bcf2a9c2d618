import HTTP
import Testing

@Suite struct AccessTests {
    static let token = String(repeating: "5a", count: 32)
    let local = Access(isLoopback: true, token: nil)
    let remote = Access(isLoopback: false, token: token, names: ["node7", "node7.example.org"])

    @Test(arguments: ["localhost", "localhost:9000", "127.0.0.1:41234", "127.0.1.1", "[::1]:80", "LOCALHOST:1"])
    func loopbackIsReadByItsNames(host: String) {
        #expect(local.decide(.init(isRead: true, host: host)) == .allowed)
    }

    @Test(arguments: ["evil.example", "evil.example:9000", "127.0.0.1.evil.example", "10.0.0.1", "", ":80", "[::1"])
    func noOtherNameReachesLoopback(host: String) {
        #expect(local.decide(.init(isRead: true, host: host)) != .allowed)
        #expect(local.decide(.init(isRead: false, host: host)) != .allowed)
    }

    @Test func withoutAHostNothingIsAnswered() {
        #expect(local.decide(.init(isRead: true, host: nil)) == .forbidden("no Host header"))
    }

    @Test func onlyTheOwnPageMayDrain() {
        let host = "127.0.0.1:9000"
        #expect(local.decide(.init(isRead: false, host: host)) == .allowed)
        #expect(local.decide(.init(isRead: false, host: host, origin: "http://127.0.0.1:9000")) == .allowed)
        for origin in [
            "http://127.0.0.1:9001", "http://evil.example", "null", "", "http://127.0.0.1:9000.evil.example",
        ] {
            #expect(
                local.decide(.init(isRead: false, host: host, origin: origin))
                    == .forbidden("a page of another origin"))
        }
    }

    @Test func beyondLoopbackATokenIsNeeded() {
        let host = "10.1.2.3:9090"
        #expect(remote.decide(.init(isRead: true, host: host)) == .unauthorized)
        #expect(remote.decide(.init(isRead: true, host: host, authorization: "Bearer \(Self.token)")) == .allowed)
        #expect(remote.decide(.init(isRead: true, host: host, authorization: "Bearer \(Self.token)0")) == .unauthorized)
        #expect(remote.decide(.init(isRead: true, host: host, authorization: "Basic \(Self.token)")) == .unauthorized)
        #expect(
            remote.decide(.init(isRead: true, host: "node7:9090", cookie: "a=b; selmix_token=\(Self.token)"))
                == .allowed)
        #expect(remote.decide(.init(isRead: true, host: host, cookie: "selmix_token=")) == .unauthorized)
    }

    @Test func beyondLoopbackNothingIsChanged() {
        let said = Access.Question(isRead: false, host: "10.1.2.3", authorization: "Bearer \(Self.token)")
        #expect(remote.decide(said) == .forbidden("read-only: listens beyond the loopback interface"))
    }

    @Test func aForeignNameIsRefusedEvenWithTheToken() {
        let said = Access.Question(isRead: true, host: "evil.example", authorization: "Bearer \(Self.token)")
        #expect(remote.decide(said) == .forbidden("this server is not called evil.example"))
    }
}
