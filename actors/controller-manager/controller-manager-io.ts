/** What a controller-manager has of the machine itself; nothing of it in the simulation. */
import type { SignCertificate } from "./controllers/certificate-signing.ts";

/** The directories of volumes, by name. */
export interface VolumeDirectories {
  /** The directory and all that is in it; nothing happens when there is none. Errors: VOLUME_IO. */
  remove(name: string): Promise<void>;
}

export interface ControllerManagerIo {
  readonly volumes?: VolumeDirectories;
  /** The cryptography of certificates; without it none are signed. */
  readonly sign?: SignCertificate;
}
