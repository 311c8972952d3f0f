#include "server/http/word_likeness.h"

#include <array>
#include <cstddef>

namespace selvage::http {
namespace {

// Both tables were made by scripts/benchmarks/delivery/letters.py of 4381 different names in Debian's /usr/share, /usr/lib and
// /usr/include and in npm packages. Eighths of a bit, as characters from '0'.
//
// What follows what: a row for each symbol before (the beginning, a to z, a digit, a separator), a column for each after it.
constexpr auto kFollows = std::to_array<std::string_view>({
    R"(H\PVYSQ]U]jVUW`RtUFQ]^`[zql^)",  // ^
    R"(hZKTmmW|\~jNWPpP~MJJZfkkh~`F)",  // a
    R"(Jf^_S_ZiLWlJYdI[lWRTI~oi_u[X)",  // b
    R"(Ki`_T^^JYzHT[hBU~WUO[qmkl~ma)",  // c
    R"(NSYX?^diHiaU[gQb{VQ[[d^ufunU)",  // d
    R"(S]RUZ]WjY~oRUMg[hFHQk^aOe{`[)",  // e
    R"(Tg_[WVknA~xL\aIR~VRPRnaxeicQ)",  // f
    R"(SZYZFbZ`OyjT`TYZsOMR_ofhjldE)",  // g
    R"(@c\[CbceQtj]^eP_tRZLcjj~tjXX)",  // h
    R"(^TWV^WUri~wMP@MVzZPNter^~c`\)",  // i
    R"(SsMMM]ssMsssZaSSggCs]ZGgsgag)",  // j
    R"(T]TZDZYgNkq]^kY`}WP[ddk^}k@X)",  // k
    R"(Ni\WDYhfE~nKbsJ\udRSV\jueyb[)",  // l
    R"(CY\YHaXoQ|]QWdLN|fT\ZogkmrdP)",  // m
    R"(PdOMQQMhOo_Xi`U[~cMHUWzl]zW_)",  // n
    R"(]ZOQj]\h_teNPEUP~HRVVa\dr~pZ)",  // o
    R"(CdW_IkcZO~_SYpPTlKTRZuur`~[V)",  // p
    R"(ll_lUYlllllHl_P_lY_Y9l_llllN)",  // q
    R"(Kf[[CbajK~aXUbGctUMS\el~]~^a)",  // r
    R"(_kUeJhlSR~d^\gRWidSC\cboUraC)",  // s
    R"(LiW_D]cSHw^[ZjQ]~MTV_sfqVocQ)",  // t
    R"(]XZ[P^WxSr~RQEk\~NMBgnnd~nif)",  // u
    R"(BdUk@dXpJ}}_Nkgd}W\akp}pp}LY)",  // v
    R"(FjSZUcpY@pj]aZOa|ORJc|_|||fa)",  // w
    R"(f|O_Q]|]V|p_OafJ||VFj_\Xc|IE)",  // x
    R"([]Wd[_dhnzz[NNd@haBTazhnznRS)",  // y
    R"(]YTcE]pWMppW]pNcpcRARppccY]c)",  // z
    R"(]k`czbpi]kkptatb~g_Sztzz~~5J)",  // 0
    R"(RYKSUW^]TfkUWW^J|XHO[\Vq~`Vi)",  // -
});

// A small letter, and a large one, after the beginning, a digit, a separator, a small letter, a large one.
constexpr auto kCases = std::to_array<std::string_view>({
    R"(2H)",  // ^
    R"(1L)",  // 0
    R"(1R)",  // -
    R"(0`)",  // l
    R"(88)",  // u
});

constexpr double kDigit = 3.32;  // which of ten it is

constexpr std::size_t kDigits = 26, kSeparators = 27;

struct Symbol {
    std::size_t column;  // of kFollows
    std::size_t kind;    // row of kCases for what comes behind it
    bool large = false;
};

Symbol symbol_of(char c) {
    if (c >= 'a' && c <= 'z') return {static_cast<std::size_t>(c - 'a'), 3};
    if (c >= 'A' && c <= 'Z') return {static_cast<std::size_t>(c - 'A'), 4, true};
    if (c >= '0' && c <= '9') return {kDigits, 1};
    return {kSeparators, 2};
}

double bits(char eighths) { return (eighths - '0') / 8.0; }

}  // namespace

double surprise_of(std::string_view text) {
    double sum = 0;
    std::size_t row = 0, kind = 0;
    for (const char c : text) {
        const Symbol symbol = symbol_of(c);
        sum += bits(kFollows[row][symbol.column]);
        if (symbol.column == kDigits) sum += kDigit;
        if (symbol.column < kDigits) sum += bits(kCases[kind][symbol.large ? 1 : 0]);
        row = symbol.column + 1;
        kind = symbol.kind;
    }
    return sum;
}

}  // namespace selvage::http
