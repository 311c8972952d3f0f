"""The pictures that the image tests ask for, and asking for them."""
import pictures
from pictures import examine
from server_case import ServerCase, write


class ImageCase(ServerCase):
    @classmethod
    def prepare(cls):
        cls.photo = pictures.jpeg(800, 600)
        write(cls.root, {
            "cat.jpg": cls.photo, "same.jpg": cls.photo, "many.jpg": pictures.jpeg(1200, 900, seed=2),
            "alpha.png": pictures.translucent(400, 300),
            "moving.gif": pictures.animation("gif", 60, 40), "moving.webp": pictures.animation("webp", 60, 40), "a.txt": b"text",
            "portrait6.jpg": pictures.turned(6, 100, 200), "portrait8.jpg": pictures.turned(8, 100, 200),
            "tiny.png": pictures.bytes_of(pictures.photo(20, 10), "png")})

    def image(self, target, accept="*/*", **more):
        response = self.server.get(target, fields={"Accept": accept, **more})
        self.assertEqual(response.status, 200, f"{target}: {response}")
        found = examine(response.body)
        self.assertEqual(response["content-type"], "image/" + found[0], target)
        return response, found
