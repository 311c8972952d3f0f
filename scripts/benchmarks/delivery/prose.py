"""What the page says of how things were measured."""


def flow(text):
    """Lines as they stand in the program, as one paragraph."""
    return " ".join(text.split())


METHOD = flow("""
    A site of real packages is released in steps while all servers run: new files are copied, then those go that the release no longer has. One
    worker on one core, the client on another, TLS 1.3 and HTTP/2. The client does what Chromium does: it keeps what is fresh, accepts `gzip,
    deflate, br, zstd`, remembers `Use-As-Dictionary` and names the best match in `Available-Dictionary` (RFC 9842), accepting `dcb, dcz` with it;
    it decodes what comes and compares it with the file's hash. A visit asks for every script and stylesheet of the site that the visitor has not
    kept. *Identity* and *gzip* are nginx, gzip at its default level (1); *br files* are nginx with `brotli_static` and Caddy with `precompressed`,
    with `.br` at 11 and `.gz` at 9 made beside each file by the build step. All of these send `Cache-Control: immutable`, as a careful
    administrator has them do. Selvage has only been told which folder it serves; it is measured when what it does in the background after a
    release is done. MB are 10⁶ bytes; *on the wire* is content and header fields of the answers, with frame headers, without TLS. Handshakes are
    not counted.""")
GOALS = flow("Totals are over all pairs of versions. Ratios of times: median of the rounds (lowest–highest).")
FIRST_VISIT = flow("**First visit** to the newer version, kB of content. In bold where ours is more than the best precompressed peer's.")
RETURNING = flow("**Returning visit**: kB of content of the files that changed, and ours with dictionaries as a part of br files'.")
COSTS = flow("""
    ms per MB of files, uncoded: user and system time of all processes of the server, median over the rounds (lowest–highest). *Before*: what is
    done once for each new file; by the build step for br files, by Selvage itself in the background (br 11, zstd 19, gzip 9, deltas from the
    release before, hashing). It is not in the other columns; nor is what Selvage's niced threads do meanwhile.""")
MAKING = flow("""
    Right after a release the deltas to it have not all been made in advance; here they are kept from it (`compression.queue = 1`,
    `compression.pause_above = 0`), and the first visitor has each made. Files from 1 KiB to 4 MiB, eight at a time, which the server knows
    already; the client accepts nothing but `dcz`, so that no other coding is in the figures. CPU in ms per MB of files, of the whole requests: TLS,
    choosing, making, storing.""")
FIRST_REQUEST = flow("""
    A script of 1 MiB, real ones that follow each other, which no server has sent before; on a connection that is warm. The servers take turns,
    each with a file of its own that differs in its first line; all files lay there before the servers began. Medians; the ratio is the median of
    the rounds (lowest–highest). Selvage codes it fast for this one, and best, in the background, for the next.""")
PAGES = flow("""Documentations that Debian packages have, up to 120 pages of each, in any order, once nothing becomes smaller any more. *With it*: every
page as the difference to a dictionary that the server made of the site's pages (`site.dictionary`), the dictionary not counted. *To the page before*:
as the difference to the page that was read before, whichever that was (`site.page_deltas`). Without TLS framing and header fields.""")

FINGERPRINTS = flow("""
    Builds of a demo application with each tool, packages that ship builds, and ordinary files. Which names have a hash is the tool's own word (its
    manifest or statistics). *By name*: without asking the other names of the folder.""")
PACKAGES = flow("""
    From npm, fetched when the benchmark ran; nothing of it is in the tree, licences are the packages' own. *Given here*: `<stem>-<8 characters of
    base64url of the content's SHA-256>`, as Vite and Rollup do. *Shared bundles* are an extra of this machine and in no total.""")
