/// Which release of this package a program is made of.
public enum Release {
    /// The number that `chatterbox --version`, a protocol's greeting and the packages tell: it stands here alone.
    public static let version = "0.2.0"
}
