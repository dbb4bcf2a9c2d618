import Testing

@testable import Runtime

/// The dashboard as it is served; `OtherProgramsTests` opens it in a browser.
@Suite struct DashboardPageTests {
    @Test func everyInlinePartBearsTheNonce() {
        let page = DashboardPage.render(nonce: "abc")
        #expect(!page.contains("SELMIX_"))
        for element in ["<script", "<style"] {
            let parts = page.components(separatedBy: element).dropFirst()
            #expect(!parts.isEmpty && parts.allSatisfy { $0.hasPrefix(" nonce=\"abc\">") })
        }
        #expect(DashboardPage.policy(nonce: "abc").contains("script-src 'nonce-abc';"))
        #expect(!DashboardPage.policy(nonce: "abc").contains("unsafe"))
    }

    @Test func nothingIsLoadedFromElsewhere() {
        let page = DashboardPage.render(nonce: "abc").replacing("http://www.w3.org/2000/svg", with: "")
        for address in ["http://", "https://", "src=", "@import", "url("] { #expect(!page.contains(address)) }
        // What the policy forbids would be lost without a word.
        for inline in [" style=\"", " onclick=\"", "javascript:"] { #expect(!page.contains(inline)) }
    }
}
