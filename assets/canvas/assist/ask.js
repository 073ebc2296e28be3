// Asking a model about the open image. Every answer goes through `pending`, which drops it when another image is
// open by then; a failure is told, once.

export function createAsk({ call, pending, store, tell }) {
  const image = () => store.image?.id ?? null;

  /**
   * Ask in parts, one after the other, with progress; null when an answer came too late, was cancelled or failed.
   *
   * @param {object[]} parts  arguments of each call
   * @param {{group?: string, ofImage?: boolean}} [how]  a request cancels older ones of its group
   */
  async function parts(label, op, list, { group = "", ofImage = true } = {}) {
    const imageId = image();
    if (imageId === null) return null;
    const about = ofImage ? { image_id: imageId } : {};
    try {
      return await pending.run(
        { label, imageId, group },
        async (entry) => {
          const answers = [];
          for (const args of list) {
            if (entry.cancelled || image() !== imageId) return null;
            if (list.length > 1) entry.report(`${answers.length} of ${list.length}`);
            answers.push(await call(op, { ...about, ...args }));
          }
          return answers;
        },
        image,
      );
    } catch (error) {
      tell(error);
      return null;
    }
  }

  return {
    parts,
    /** Ask once. @returns {Promise<?object>} */
    one: async (label, op, args, how) => (await parts(label, op, [args], how))?.[0] ?? null,
  };
}
