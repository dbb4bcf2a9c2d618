import Foundation

/// The pages that people open: each a template of its own that becomes one self-contained file, with the style and the
/// script that all of them share (page.css, page.js) and the data it draws.
enum Page {
    private enum Token {
        static let style = "/*SELMIX_STYLE*/"
        static let kit = "/*SELMIX_KIT*/"
        static let data = "/*SELMIX_DATA*/null"
    }

    /// A page that loads nothing.
    ///
    /// - Parameter template: a file of Pages.
    static func filled(_ template: [UInt8], with data: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.dateEncodingStrategy = .iso8601
        let json = String(decoding: try encoder.encode(data), as: UTF8.self)
        // No `<` of the data may end the script element that holds them.
        return styled(template)
            .replacingOccurrences(of: Token.data, with: json.replacingOccurrences(of: "<", with: "\\u003c"))
    }

    /// A page that gets its data by itself.
    static func styled(_ template: [UInt8]) -> String {
        String(decoding: template, as: UTF8.self)
            .replacingOccurrences(of: Token.style, with: String(decoding: PackageResources.page_css, as: UTF8.self))
            .replacingOccurrences(of: Token.kit, with: String(decoding: PackageResources.page_js, as: UTF8.self))
    }
}
