import Foundation

/// gain-diagnosis.html: the estimate against the measurement as one self-contained page, which draws itself from the
/// report that is put into it.
enum GainDiagnosisPage {
    private static let placeholder = "/*SELMIX_DATA*/null"

    static func render(_ report: GainDiagnosisReport) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = String(decoding: try encoder.encode(report), as: UTF8.self)
        let page = String(decoding: PackageResources.gain_diagnosis_html, as: UTF8.self)
        // No `<` of the data may end the script element that holds them.
        return page.replacingOccurrences(of: placeholder, with: json.replacingOccurrences(of: "<", with: "\\u003c"))
    }
}
