// Paints the picture alone, on a layer of its own below the annotations.

/** `scene` = {view, screen, dpr, bitmap, size, tiles}; the layer is clear where the image does not reach. */
export function paintPicture(g, canvas, scene) {
  const { view, dpr, bitmap, size, tiles } = scene;
  g.setTransform(1, 0, 0, 1, 0, 0);
  g.clearRect(0, 0, canvas.width, canvas.height);
  if (!bitmap) return;
  g.setTransform(dpr * view.zoom, 0, 0, dpr * view.zoom, dpr * view.x, dpr * view.y);
  g.imageSmoothingEnabled = view.zoom * dpr < 3; // single pixels show as squares when zoomed in
  g.imageSmoothingQuality = view.zoom < 0.5 ? "medium" : "low";
  g.drawImage(bitmap, 0, 0, size.width, size.height);
  tiles.paint(g, scene);
}
