import { type ReactNode, useEffect, useRef } from "react";
import { useLanguage } from "../i18n/language";

interface DialogProps {
  title: string;
  onClose(): void;
  children: ReactNode;
  wide?: boolean;
}

/**
 * A modal dialog: the browser keeps the focus inside and gives it back; Escape closes. The focus starts at the element
 * marked `data-first`, else at the first one.
 */
export function Dialog({ title, onClose, children, wide }: DialogProps) {
  const { t } = useLanguage();
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={wide ? "dialog dialog-wide" : "dialog"}
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
