// New annotations of a person.

/** @returns {(xyxy: number[], class_id?: number) => ?object} makes one of the current class; null, and told, without classes */
export function createNewRow({ classes, newId, toast }) {
  return function newRow(xyxy, class_id = classes.current.class_id) {
    if (class_id < 0) {
      toast("Add a class first: the plus beside Classes.", "warn");
      return null;
    }
    if (classes.isHidden(class_id)) {
      classes.toggleHidden(class_id);
      toast(`${classes.of(class_id).name} was hidden; it is shown again.`);
    }
    return { id: newId(), class_id, xyxy, polygons: null, confidence: null, source: "human", status: "accepted" };
  };
}
