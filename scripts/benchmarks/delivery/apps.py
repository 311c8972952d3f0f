"""The demo application that every tool builds: some dozens of pages that are loaded when they are needed, each with a stylesheet and a
picture of its own, and a library that they share. Small, generated, with the names that people give to such files."""
import random
import shutil

# Words, two words, CamelCase, numbers: what stands before a hash is what the rules must not be confused by.
PAGES = ("home", "about", "contact", "settings", "profile", "checkout", "cart", "search", "login", "register", "dashboard", "invoices",
         "UserProfile", "UserSettings", "OrderHistory", "DatePicker", "ColorPicker", "ImageGallery", "VideoPlayer", "RichTextEditor",
         "date-range", "order-list", "order-detail", "product-list", "product-detail", "shipping-form", "payment-form", "map-view",
         "chart-2d", "chart-3d", "report-2024", "faq", "terms-of-use", "privacy", "help-center", "ticket", "ticket-list", "not-found",
         "admin-users", "admin-roles", "admin-audit", "i18n-en", "i18n-de", "i18n-fr", "i18n-ja", "worker-pool", "http-client", "websocket")


def words_of(name, count):
    """The same for the same name, another for each."""
    source = random.Random(name)
    return " ".join("".join(source.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(source.randint(2, 9))) for _ in range(count))


def picture(name):
    source = random.Random(name)
    circles = "".join(f'<circle cx="{source.randint(0, 400)}" cy="{source.randint(0, 300)}" r="{source.randint(2, 40)}" fill="#{source.randrange(1 << 24):06x}"/>'
                      for _ in range(120))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">{circles}</svg>\n'


def style(name):
    return f".{name} {{ color: #{random.Random(name).randrange(1 << 24):06x}; background: url('./{name}.svg') }}\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def plain(folder, styles="import './{name}.css';\n"):
    """src/main.js and a module per page; an index.html. `styles`: how a module asks for its stylesheet."""
    shutil.rmtree(folder / "src", ignore_errors=True)
    write(folder / "src/shared.js", f"export const shared = text => '{words_of('shared', 40)}' + text;\n")
    for name in PAGES:
        write(folder / f"src/pages/{name}.svg", picture(name))
        write(folder / f"src/pages/{name}.css", style(name))
        write(folder / f"src/pages/{name}.js",
              styles.format(name=name) + "import { shared } from '../shared.js';\n"
              f"import picture from './{name}.svg';\n"
              f"export default () => '<img class=\"{name}\" src=\"' + picture + '\">' + shared('{words_of(name, 200)}');\n")
    cases = "".join(f"  '{name}': () => import('./pages/{name}.js'),\n" for name in PAGES)
    write(folder / "src/main.js",
          f"const pages = {{\n{cases}}};\n"
          "addEventListener('hashchange', async () => { document.body.innerHTML = (await pages[location.hash.slice(1)]()).default(); });\n")
    write(folder / "index.html", "<!doctype html><title>Demo</title><script type='module' src='./src/main.js'></script>\n")
    write(folder / "public/robots.txt", "User-agent: *\n")
    write(folder / "public/favicon.svg", picture("favicon"))


def react(folder):
    """Next's app folder: a route per page."""
    shutil.rmtree(folder / "app", ignore_errors=True)
    write(folder / "app/layout.js", "export default ({ children }) => <html lang='en'><body>{children}</body></html>;\n")
    write(folder / "app/page.js", "export default () => <p>Demo</p>;\n")
    for name in PAGES:
        write(folder / f"app/{name}/page.module.css", f".page {{ color: #{random.Random(name).randrange(1 << 24):06x} }}\n")
        write(folder / f"app/{name}/picture.svg", picture(name))
        write(folder / f"app/{name}/part.js", f"'use client';\nexport default () => <p>{words_of(name, 200)}</p>;\n")
        write(folder / f"app/{name}/page.js",
              "'use client';\nimport dynamic from 'next/dynamic';\nimport styles from './page.module.css';\nimport picture from './picture.svg';\n"
              "const Part = dynamic(() => import('./part.js'), { ssr: false });\n"
              "export default () => <div className={styles.page}><img src={picture.src} alt='' /><Part /></div>;\n")


def svelte(folder):
    """SvelteKit: a route per page."""
    shutil.rmtree(folder / "src", ignore_errors=True)
    write(folder / "src/app.html", "<!doctype html><head>%sveltekit.head%</head><body>%sveltekit.body%</body>\n")
    write(folder / "src/routes/+layout.js", "export const ssr = false;\n")
    write(folder / "src/routes/+page.svelte", "<p>Demo</p>\n")
    for name in PAGES:
        write(folder / f"src/routes/{name}/picture.svg", picture(name))
        write(folder / f"src/routes/{name}/+page.svelte",
              f"<script>import picture from './picture.svg';</script>\n<img src={{picture}} alt='' /><p>{words_of(name, 200)}</p>\n"
              f"<style>p {{ color: #{random.Random(name).randrange(1 << 24):06x} }}</style>\n")
    write(folder / "static/robots.txt", "User-agent: *\n")


def angular(folder):
    """A standalone application: a route per page."""
    shutil.rmtree(folder / "src", ignore_errors=True)
    write(folder / "src/main.ts",
          "import { Component } from '@angular/core';\nimport { bootstrapApplication } from '@angular/platform-browser';\n"
          "const pages: Record<string, () => Promise<unknown>> = {\n" +
          "".join(f"  '{name}': () => import('./pages/{name}'),\n" for name in PAGES) +
          "};\n@Component({ selector: 'app-root', template: '<p>Demo</p>' })\nclass App { open(name: string) { return pages[name](); } }\n"
          "bootstrapApplication(App);\n")
    for name in PAGES:
        write(folder / f"src/pages/{name}.svg", picture(name))
        write(folder / f"src/pages/{name}.css", style(name))
        write(folder / f"src/pages/{name}.ts",
              "import { Component } from '@angular/core';\n"
              f"@Component({{ selector: 'app-page', template: '<p class=\"{name}\">{words_of(name, 200)}</p>', styleUrl: './{name}.css' }})\n"
              "export class Page {}\n")
    write(folder / "src/styles.css", "".join(f".{name} {{ background: url('./pages/{name}.svg') }}\n" for name in PAGES))
    write(folder / "src/index.html", "<!doctype html><html><head><base href='/'><title>Demo</title></head><body><app-root></app-root></body></html>\n")
    write(folder / "public/robots.txt", "User-agent: *\n")
