const root = document.documentElement
const dark = matchMedia("(prefers-color-scheme: dark)")

document.querySelector(".theme")?.addEventListener("click", () => {
  const shown = root.dataset.theme
  const next = (shown == "auto" ? dark.matches : shown == "dark") ? "light" : "dark"
  // Like the system means: follow the system.
  root.dataset.theme = localStorage.theme = (next == "dark") == dark.matches ? "auto" : next
})

if (navigator.clipboard)
  for (const pre of document.querySelectorAll(".prose pre")) {
    const copy = document.createElement("button")
    copy.className = "copy"
    copy.textContent = "Copy"
    copy.onclick = async () => {
      await navigator.clipboard.writeText(pre.textContent)
      copy.textContent = "Copied"
      setTimeout(() => (copy.textContent = "Copy"), 2000)
    }
    pre.before(copy)
  }
