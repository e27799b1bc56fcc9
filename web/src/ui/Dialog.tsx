import { type ReactNode, useEffect, useRef } from "react";
import { useLanguage } from "../i18n/language";

interface DialogProps {
  title: string;
  onClose(): void;
  children: ReactNode;
  wide?: boolean;
  look?: string;
}

/**
 * A modal dialog: the browser keeps the focus inside and gives it back; Escape closes. The focus starts at the element
 * marked `data-first`, else at the first one.
 */
export function Dialog({ title, onClose, children, wide, look }: DialogProps) {
  const { t } = useLanguage();
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      dialog?.close();
      // The page has taken the dialog out already, and the browser gives the focus back only to what closes one in it.
      const lost = document.activeElement === document.body || document.activeElement === null;
      if (lost && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      className={`dialog ${wide ? "dialog-wide" : ""} ${look ?? ""}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header className="dialog-head">
        <h2>{title}</h2>
        <button type="button" className="button button-quiet" onClick={onClose} aria-label={t("dialog.close")}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}
