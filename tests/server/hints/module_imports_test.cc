#include "server/hints/module_imports.h"

#include <catch2/catch.hpp>

using selvage::hints::module_imports;
using Strings = std::vector<std::string>;

SCENARIO("a module names what it imports") {  // ECMA-262 §16.2.2, §16.2.3
    CHECK(module_imports(R"(import "./a.js"; import b from './b.js'; import * as c from "./c.js")") ==
          Strings{"./a.js", "./b.js", "./c.js"});
    CHECK(module_imports(R"(import{x as y,z}from"./a.js";import d,{e}from"./b.js";import f,*as g from"./c.js")") ==
          Strings{"./a.js", "./b.js", "./c.js"});
    CHECK(
        module_imports(
            R"(export * from "./a.js"; export * as n from "./b.js"; export { x } from "./c.js"; export{y as default}from"./d.js")") ==
        Strings{"./a.js", "./b.js", "./c.js", "./d.js"});
    CHECK(module_imports("#!/bin/x\n/* import 'no' */ import {\n  a, // b\n  'x y' as c,\n} from './a.js'\nimport './b.js'") ==
          Strings{"./a.js", "./b.js"});
    CHECK(module_imports(R"(import from from "./a.js"; import {from} from "./b.js"; import {import as x} from "./c.js")") ==
          Strings{"./a.js", "./b.js", "./c.js"});
    CHECK(module_imports(R"(const a = 1; import "./a.js"; function f() { return 2 } import "./b.js")") ==
          Strings{"./a.js", "./b.js"});
    CHECK(module_imports(R"(export const a = 1; export default function () {} export { a as b }; import "react")") ==
          Strings{"react"});
    CHECK(module_imports("import a from './a.js'\nimport './b.js'\nexport {a}\nfrom\n'./c.js'") ==
          Strings{"./a.js", "./b.js", "./c.js"});
    CHECK(module_imports("import './a.js';import './b.js';import './c.js'", 2) == Strings{"./a.js", "./b.js"});
}

SCENARIO("what is no static import of a script is none") {
    CHECK(module_imports(R"(import("./a.js"); import.meta.url; await import("./b.js"); x.import("./c.js"))") == Strings{});
    CHECK(module_imports(
              R"(import a from "./a.json" with { type: "json" }; import "./b.css" assert{type:"css"}; import "./c.js")") ==
          Strings{"./c.js"});
    CHECK(
        module_imports(R"(const o = { import: "./a.js", from: "./b.js" }; o.import; class A { import() { } from = "./c.js" })") ==
        Strings{});
    CHECK(module_imports(R"(import ".\u002fa.js")") == Strings{});
    CHECK(module_imports(R"(export const from = "./a.js"; export default "./b.js"; export let x = 1)") == Strings{});
    CHECK(module_imports("") == Strings{});
}

SCENARIO("what looks like an import within something else is none") {
    CHECK(module_imports("// import './a.js'\n/* import './b.js' */") == Strings{});
    CHECK(module_imports(R"('\'; import "./a.js"; ')") == Strings{});
    CHECK(module_imports("`; import './a.js'; `; `${ `${ x }; import './b.js'` } import './c.js'`; import './d.js'") ==
          Strings{"./d.js"});
    CHECK(module_imports("`\\`; import './a.js'`; `$${a}$`; import './b.js'") == Strings{"./b.js"});
    CHECK(module_imports(R"(x = /"/; import "./a.js"; y = /[/"]import '.\/b.js'/gu; import "./c.js")") ==
          Strings{"./a.js", "./c.js"});
    CHECK(module_imports(R"(x = a / b; import "./a.js"; y = c / d)") == Strings{"./a.js"});
    CHECK(module_imports(R"(x = (a) / 2; import "./a.js"; y = b[0] / 2; z = "" / 1)") == Strings{"./a.js"});
    CHECK(module_imports(R"(if (x) /"/.test(x); import "./a.js"; f.if(x) / 2; import "./b.js"; "/")") ==
          Strings{"./a.js", "./b.js"});
    CHECK(module_imports(R"(return_ / 1; o.return / 2; import "./a.js")") == Strings{"./a.js"});
    CHECK(module_imports(R"(x = 1.5e3 / 2; y = .5 / 3; import "./a.js")") == Strings{"./a.js"});
    CHECK(module_imports("x\xC2\xA0=\xE2\x80\xA8\xEF\xBB\xBF/'/; import './a.js' // \xE2\x80\xA9import './b.js'") ==
          Strings{"./a.js", "./b.js"});
    CHECK(module_imports("class A { static import = 1; #from = 'x' } import './a.js'; \xC3\xA9import './b.js'") ==
          Strings{"./a.js"});
}

SCENARIO("where code cannot be told from text, the rest is not believed") {
    CHECK(module_imports(R"(import "./a.js"; {} /'/; import "./b.js"; /'/)") == Strings{"./a.js"});
    CHECK(module_imports(R"(import "./a.js"; a++ / 2; import "./b.js")") == Strings{"./a.js"});
    CHECK(module_imports(R"(import "./a.js"; await (x) / 2; import "./b.js")") == Strings{"./a.js"});
    CHECK(module_imports("import './a.js'; 'open\nimport './b.js'") == Strings{"./a.js"});
    CHECK(module_imports("import './a.js'; /* open import './b.js'") == Strings{"./a.js"});
    CHECK(module_imports("import './a.js'; `open import './b.js'") == Strings{"./a.js"});
    CHECK(module_imports("import './a.js'; ) import './b.js'") == Strings{"./a.js"});
    CHECK(module_imports("import './a.js'; (] import './b.js'") == Strings{"./a.js"});
    CHECK(module_imports("import './a.js'; import 1 from './b.js'; import './c.js'") == Strings{"./a.js"});
    CHECK(module_imports("import './a.js'; import {a} './b.js'; import './c.js'") == Strings{"./a.js"});
    CHECK(module_imports(std::string(1'000'000, '(') + "import './a.js'") == Strings{});
    CHECK(module_imports(std::string(1'000'000, '`')) == Strings{});
    std::string nested;
    for (int i = 0; i < 300'000; ++i) nested += "`${";
    CHECK(module_imports(nested + "import './a.js'") == Strings{});
}
