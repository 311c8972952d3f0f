// The widths and the formats that are measured; everything else as it comes. The quality is Next's only one, 75.
export default {
  images: {
    formats: ["image/avif", "image/webp"],
    deviceSizes: [640, 1080, 1920],
    imageSizes: [320],
    localPatterns: [{ pathname: "/photographs/**" }], // with any query: that is how a request finds nothing in its cache
  },
};
