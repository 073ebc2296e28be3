// Running the actions of the table: by key, button or name.

/**
 * @param {object} parts
 * @param {import("./index.js").Action[]} parts.actions
 * @param {() => void} parts.beforeEdit  finishes what is half done
 * @param {(error: Error) => void} parts.tell  shows a failure
 * @param {() => void} parts.refresh  redraws what depends on an action's outcome
 */
export function createCommands({ actions, beforeEdit, tell, refresh }) {
  const byId = (id) => actions.find((action) => action.id === id),
    canRun = (action) => !action.when || Boolean(action.when());

  /** Run an action; resolves when it is done, also when it failed, which is told. */
  function run(action) {
    if (!canRun(action)) return null;
    if (!action.id.startsWith("nudge_")) beforeEdit();
    let done = null;
    try {
      done = Promise.resolve(action.run()).catch(tell);
    } catch (error) {
      tell(error);
    }
    refresh();
    return done;
  }

  return { list: actions, byId, canRun, run, runById: (id) => run(byId(id)) };
}
