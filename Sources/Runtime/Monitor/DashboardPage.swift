import Foundation

/// The dashboard: one page that follows a run over the JSON interface of its coordinator, and loads nothing else.
enum DashboardPage {
    private static let page = Page.styled(PackageResources.dashboard_html)

    /// - Parameter nonce: a new random text for every answer; only what bears it runs.
    static func render(nonce: String) -> String { page.replacingOccurrences(of: "SELMIX_NONCE", with: nonce) }

    /// The Content-Security-Policy that belongs to the answer.
    static func policy(nonce: String) -> String {
        "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; img-src data:; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }
}
