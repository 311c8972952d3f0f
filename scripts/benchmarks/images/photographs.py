"""The photographs that all contenders are given: ten of Debian's wallpapers, half of them progressive."""
import pathlib
import shutil

COPIES = 8
DEBIAN = pathlib.Path("/usr/share/backgrounds")
WALLPAPERS = {  # lomiri-wallpapers-16.04 (Creative Commons BY and BY-SA 4.0) and mate-backgrounds (GPL-2+)
    "aitzgorri": "aitzgorri_by_Aitzol_Berasategi.jpg",          # 6.3 MP, progressive
    "life": "life_by_Aitzol_Berasategi.jpg",                    # 6.3 MP, progressive
    "wine": "Wine_by_Jakkub_Mede.jpg",                          # 9.8 MP, progressive, upright
    "sunset": "sunset_by_Aitzol_Berasategi.jpg",                # 12.2 MP, progressive
    "picosdeeuropa": "picosdeeuropa_by_Aitzol_Berasategi.jpg",  # 8.0 MP, progressive
    "umang": "umang_by_Abhishek_Mudgal.jpg",                    # 8.3 MP
    "free": "free_by_Peter_Nerlich.jpg",                        # 6.2 MP
    "wood": "mate/nature/Wood.jpg",                             # 4.9 MP
    "ladybird": "mate/nature/LadyBird.jpg",                     # 4.1 MP
    "storm": "mate/nature/Storm.jpg",                           # 2.5 MP
}


def collect(folder, shared):
    """Copies them to `folder`; their names. Where this project's own test images lie beside it, its photograph that is no
    wallpaper takes the place of one that is alike in size and kind."""
    folder.mkdir(parents=True)
    files = {name: DEBIAN / file for name, file in WALLPAPERS.items()}
    own = shared / "p07-sharpfixture-6.1mp.jpg"
    if own.exists():
        files.pop("wood")
        files["sharpfixture"] = own
    for name, file in files.items():
        if not file.exists():
            raise SystemExit(f"bench: {file} is missing (run scripts/setup demo images)")
        shutil.copyfile(file, folder / f"{name}.jpg")
    return sorted(files)


def differ(source, folder):
    """Copies with other contents than those of any other call (what lies behind the end of a JPEG is no part of its picture)."""
    folder.mkdir(parents=True)
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes() + str(folder).encode())
