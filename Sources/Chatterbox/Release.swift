/// The release of this package.
public enum Release {
    /// The version number, which is defined only here and used by `chatterbox --version`, protocol handshakes and packages.
    public static let version = "0.2.0"
}
