// Tells what an open tab writes by itself from what a person changes: only the latter is use.

/**
 * JupyterLab (4.6) saves its layout every 10 s, each time that its file browser has looked at its folder, though nobody
 * touches the tab: `PUT /lab/api/workspaces/NAME`. Counted as use, it would keep a lab awake for every forgotten tab.
 * Everything else that changes something follows a person or code that ran: documents are saved by themselves only
 * when their content differs, sessions and terminals are opened by a page that somebody opened.
 */
export function isOwnWrite({ method, target }: { method: string; target: string }): boolean {
  return method === "PUT" && /^\/lab\/api\/workspaces\/[^/?]*(?:\?|$)/.test(target);
}
