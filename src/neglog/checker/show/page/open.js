// A row opens in the page of `explain`, which this page carries as text: a new tab, no network.
{
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  for (const button of document.querySelectorAll("button[data-row]")) {
    button.addEventListener("click", () => {
      const page = new Blob([read("explain")], {type: "text/html"});
      window.open(`${URL.createObjectURL(page)}#${button.dataset.row}`, "_blank");
    });
    button.hidden = false;
  }
}
